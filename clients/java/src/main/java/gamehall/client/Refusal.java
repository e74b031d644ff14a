package gamehall.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Why a call failed, as the server tells it in google.rpc details. {@code reason} is a word of gamehall.options.v1.ErrorReason;
 * {@code fields} maps dotted paths in the request to what is wrong there; {@code retryAfter} may be null. An error that no server told,
 * such as a lost connection, has a code and a message only.
 */
public record Refusal(Status.Code code, String message, String reason, Map<String, String> fields, Duration retryAfter, String requestId) {
  private static final Metadata.Key<String> REQUEST_ID = Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  /** What the StatusRuntimeException or StatusException of a call says. */
  public static Refusal of(Throwable error) {
    Metadata trailers = Status.trailersFromThrowable(error);
    return of(Status.fromThrowable(error), trailers == null ? new Metadata() : trailers);
  }

  static Refusal of(Status status, Metadata trailers) {
    String reason = "";
    Map<String, String> fields = new LinkedHashMap<>();
    Duration retryAfter = null;
    try {
      for (Any detail : StatusProto.fromStatusAndTrailers(status, trailers).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          reason = detail.unpack(ErrorInfo.class).getReason();
        } else if (detail.is(BadRequest.class)) {
          detail.unpack(BadRequest.class).getFieldViolationsList().forEach(wrong -> fields.put(wrong.getField(), wrong.getDescription()));
        } else if (detail.is(RetryInfo.class)) {
          var delay = detail.unpack(RetryInfo.class).getRetryDelay();
          retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        }
      }
    } catch (InvalidProtocolBufferException unreadable) {
      // Something on the way has cut the details: the code and the message are still true.
    }
    String message = status.getDescription() == null ? "" : status.getDescription();
    String requestId = trailers.get(REQUEST_ID);
    return new Refusal(status.getCode(), message, reason, Map.copyOf(fields), retryAfter, requestId == null ? "" : requestId);
  }
}
