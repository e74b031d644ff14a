package gamehall.client;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import gamehall.auth.v1.TokenServiceGrpc;
import gamehall.comments.v1.CommentServiceGrpc;
import gamehall.locations.v1.LocationServiceGrpc;
import gamehall.maintenance.v1.MaintenanceServiceGrpc;
import gamehall.platform.v1.PlatformServiceGrpc;
import gamehall.users.v1.UserServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.ServiceDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Goes through ../conformance.json: {@code java gamehall.client.Conformance ADDRESS client=KEY secret=SECRET}. Prints a line per step. The
 * first difference ends it with status 1.
 */
public final class Conformance {
  private static final List<ServiceDescriptor> SERVICES =
      List.of(
          TokenServiceGrpc.getServiceDescriptor(),
          CommentServiceGrpc.getServiceDescriptor(),
          LocationServiceGrpc.getServiceDescriptor(),
          MaintenanceServiceGrpc.getServiceDescriptor(),
          PlatformServiceGrpc.getServiceDescriptor(),
          UserServiceGrpc.getServiceDescriptor(),
          HealthGrpc.getServiceDescriptor());
  private static final Pattern NAME = Pattern.compile("\\$\\{(\\w+)}");
  private static final Metadata.Key<String> KEY = Metadata.Key.of("idempotency-key", Metadata.ASCII_STRING_MARSHALLER);

  private static final class Difference extends RuntimeException {
    private static final long serialVersionUID = 1;

    Difference(String message) {
      super(message);
    }
  }

  private final Map<String, String> known = new HashMap<>(Map.of("run", Long.toString(System.nanoTime(), 36)));
  private final Map<String, Gamehall> actors = new HashMap<>();
  private final String address;

  private Conformance(String address) {
    this.address = address;
  }

  // A scalar as JSON writes it, without quotes.
  private static String textOf(JsonElement value) {
    return value.isJsonPrimitive() ? value.getAsString() : value.toString();
  }

  // An object may hold more than expected, a list may go on; null expects nothing there.
  private static void compare(JsonElement expected, JsonElement found, String path) {
    JsonElement seen = found == null ? JsonNull.INSTANCE : found;
    if (expected.isJsonObject() && seen.isJsonObject()) {
      expected.getAsJsonObject().asMap().forEach((name, inner) -> compare(inner, seen.getAsJsonObject().get(name), path + "." + name));
    } else if (expected.isJsonArray() && seen.isJsonArray() && seen.getAsJsonArray().size() >= expected.getAsJsonArray().size()) {
      JsonArray list = expected.getAsJsonArray();
      for (int number = 0; number < list.size(); number++) {
        compare(list.get(number), seen.getAsJsonArray().get(number), path + "." + number);
      }
    } else if (expected.isJsonObject() || expected.isJsonArray() || !textOf(expected).equals(textOf(seen))) {
      throw new Difference(path + " is " + seen + ", not " + expected);
    }
  }

  @SuppressWarnings("unchecked")
  private static MethodDescriptor<Message, MessageOrBuilder> method(String name) {
    return SERVICES.stream()
        .flatMap(service -> service.getMethods().stream())
        .filter(method -> method.getFullMethodName().equals(name))
        .map(method -> (MethodDescriptor<Message, MessageOrBuilder>) method)
        .findFirst()
        .orElseThrow(() -> new Difference("no " + name));
  }

  // The answer to a call in protobuf's JSON; of a stream the first.
  private static JsonElement called(Gamehall game, JsonObject step) throws InvalidProtocolBufferException {
    MethodDescriptor<Message, MessageOrBuilder> method = method(step.get("call").getAsString());
    Message prototype = (Message) ((PrototypeMarshaller<?>) method.getRequestMarshaller()).getMessagePrototype();
    Message.Builder request = prototype.newBuilderForType();
    JsonFormat.parser().merge(step.get("send").toString(), request);
    Metadata headers = new Metadata();
    if (step.has("key")) {
      headers.put(KEY, step.get("key").getAsString());
    }
    Channel channel = ClientInterceptors.intercept(game.channel(), MetadataUtils.newAttachHeadersInterceptor(headers));
    MessageOrBuilder answer =
        method.getType() == MethodDescriptor.MethodType.UNARY
            ? ClientCalls.blockingUnaryCall(channel, method, CallOptions.DEFAULT, request.build())
            : ClientCalls.blockingServerStreamingCall(channel, method, CallOptions.DEFAULT, request.build()).next();
    return JsonParser.parseString(JsonFormat.printer().print(answer));
  }

  private static JsonElement act(Gamehall game, JsonObject step) throws InvalidProtocolBufferException {
    if (step.has("call")) {
      return called(game, step);
    }
    Tokens before = game.tokens();
    if (step.has("login")) {
      JsonObject who = step.getAsJsonObject("login");
      game.login(who.get("username").getAsString(), who.get("password").getAsString(), "web");
    } else if (step.has("login_client")) {
      JsonObject who = step.getAsJsonObject("login_client");
      game.loginClient(who.get("client_id").getAsString(), who.get("client_secret").getAsString());
    } else if (step.has("spoil")) {
      boolean worn = step.get("spoil").getAsString().equals("worn");
      game.setTokens(new Tokens("spoiled", before.refresh(), worn ? Instant.EPOCH : before.renewAt(), before.clientId()));
    } else {
      game.refresh();
      if (game.tokens().access().equals(before.access())) {
        throw new Difference("the token is the old one");
      }
    }
    return JsonNull.INSTANCE;
  }

  private void go(Gamehall game, JsonObject step) throws InvalidProtocolBufferException {
    JsonObject refused = step.getAsJsonObject("refused");
    JsonElement answer;
    try {
      answer = act(game, step);
    } catch (StatusRuntimeException error) {
      Refusal told = Refusal.of(error);
      boolean same =
          refused != null
              && refused.get("code").getAsString().equals(told.code().name())
              && refused.get("reason").getAsString().equals(told.reason())
              && (!refused.has("field") || told.fields().containsKey(refused.get("field").getAsString()));
      if (!same) {
        throw new Difference("refused with " + told + ", expected " + refused);
      }
      return;
    }
    if (refused != null) {
      throw new Difference("not refused: " + answer);
    }
    if (step.has("answer")) {
      compare(step.get("answer"), answer, "answer");
    }
    if (step.has("keep")) {
      for (Map.Entry<String, JsonElement> kept : step.getAsJsonObject("keep").entrySet()) {
        JsonElement value = answer;
        for (String part : kept.getValue().getAsString().split("\\.")) {
          value = value.getAsJsonObject().get(part);
        }
        known.put(kept.getKey(), textOf(value));
      }
    }
  }

  private int run() throws IOException {
    JsonObject file = JsonParser.parseString(Files.readString(Path.of("../conformance.json"))).getAsJsonObject();
    for (JsonElement written : file.getAsJsonArray("steps")) {
      String text = NAME.matcher(written.toString()).replaceAll(name -> Matcher.quoteReplacement(known.get(name.group(1))));
      JsonObject step = JsonParser.parseString(text).getAsJsonObject();
      Gamehall game =
          actors.computeIfAbsent(
              step.get("as").getAsString(), who -> new Gamehall(Grpc.newChannelBuilder(address, InsecureChannelCredentials.create())));
      try {
        go(game, step);
      } catch (Difference difference) {
        System.out.println("FAIL " + step.get("say").getAsString() + " - " + difference.getMessage());
        return 1;
      }
      System.out.println("ok   " + step.get("say").getAsString());
    }
    actors.values().forEach(Gamehall::close);
    return 0;
  }

  /** Takes the address and words. */
  public static void main(String[] words) throws IOException {
    Conformance conformance = new Conformance(words[0]);
    for (int number = 1; number < words.length; number++) {
      String[] given = words[number].split("=", 2);
      conformance.known.put(given[0], given[1]);
    }
    System.exit(conformance.run());
  }
}
