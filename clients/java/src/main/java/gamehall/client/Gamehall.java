package gamehall.client;

import gamehall.auth.v1.CreateTokenRequest;
import gamehall.auth.v1.CreateTokenResponse;
import gamehall.auth.v1.TokenServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Set;

/**
 * A channel to a Gamehall server that signs in, refreshes its token and repeats what may be repeated; make generated stubs on {@link
 * #channel}. Threads may share it. Every method throws StatusRuntimeException when the server refuses; {@link Refusal} reads it.
 */
public final class Gamehall implements AutoCloseable {
  /** A token is renewed when this part of its time is over. */
  private static final double WORN = 0.9;

  /** How a server refuses to renew for good; anything else passes. */
  private static final Set<Status.Code> REFUSED = EnumSet.of(Status.Code.INVALID_ARGUMENT, Status.Code.UNAUTHENTICATED);

  private record Session(Tokens tokens, CreateTokenRequest credentials) {}

  private final ManagedChannel channel;
  private final TokenServiceGrpc.TokenServiceBlockingStub service;
  private final Object renewing = new Object();
  private volatile Session session = new Session(null, null);

  /** Takes a builder such as {@code Grpc.newChannelBuilder("play.example.com:443", TlsChannelCredentials.create())}. */
  public Gamehall(ManagedChannelBuilder<?> builder) {
    channel = builder.disableRetry().intercept(new Calls()).build();
    service = TokenServiceGrpc.newBlockingStub(channel);
  }

  /** What generated stubs are made on. */
  public Channel channel() {
    return channel;
  }

  /** Signs a user in; {@code clientId} is the app's, "web" for one of one's own. */
  public void login(String username, String password, String clientId) {
    take(grant("password", clientId).setUsername(username).setPassword(password).build());
  }

  /** Signs a client in by its secret, and in again whenever its token ends. */
  public void loginClient(String clientId, String clientSecret) {
    take(grant("client_credentials", clientId).setClientSecret(clientSecret).build());
  }

  /** Replaces the access token now. */
  public void refresh() {
    renew(access());
  }

  /** The session; null when nobody is signed in. */
  public Tokens tokens() {
    return session.tokens();
  }

  /** Goes on with a session that was kept; with null it calls as nobody. */
  public void setTokens(Tokens tokens) {
    session = new Session(tokens, null);
  }

  /** Ends the channel; calls under way may end. */
  @Override
  public void close() {
    channel.shutdown();
  }

  private static CreateTokenRequest.Builder grant(String type, String clientId) {
    return CreateTokenRequest.newBuilder().setGrantType(type).setClientId(clientId);
  }

  // A client's secret is kept for the next token, a password never.
  private void take(CreateTokenRequest request) {
    CreateTokenResponse answer = service.createToken(request);
    Instant renewAt = Instant.now().plusMillis((long) (WORN * 1000 * answer.getExpiresIn()));
    String refresh = answer.hasRefreshToken() ? answer.getRefreshToken() : null;
    boolean kept = request.getGrantType().equals("client_credentials");
    session = new Session(new Tokens(answer.getAccessToken(), refresh, renewAt, request.getClientId()), kept ? request : null);
  }

  // What to ask for in place of an access token; null when it was replaced meanwhile or nothing can replace it.
  private CreateTokenRequest renewal(String stale) {
    Session now = session;
    if (now.tokens() == null || !now.tokens().access().equals(stale)) {
      return null;
    }
    if (now.credentials() != null) {
      return now.credentials();
    }
    String refresh = now.tokens().refresh();
    return refresh == null ? null : grant("refresh_token", now.tokens().clientId()).setRefreshToken(refresh).build();
  }

  /** Replaces an access token once, however many calls find it worn at the same time. */
  void renew(String stale) {
    synchronized (renewing) {
      CreateTokenRequest request = renewal(stale);
      if (request == null) {
        return;
      }
      Tokens old = session.tokens();
      try {
        take(request);
      } catch (StatusRuntimeException error) {
        if (!REFUSED.contains(error.getStatus().getCode())) {
          throw error;
        }
        // Calls go on with the old token, and the server tells what is wrong with it.
        setTokens(new Tokens(old.access(), null, old.renewAt(), old.clientId()));
      }
    }
  }

  /** The access token, or null. */
  String access() {
    Tokens now = session.tokens();
    return now == null ? null : now.access();
  }

  /** The access token for a call, renewed where it is worn. */
  String fresh() {
    Tokens now = session.tokens();
    if (now != null && !Instant.now().isBefore(now.renewAt())) {
      renew(now.access());
    }
    return access();
  }

  private final class Calls implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      Rules rules = Rules.of(method);
      return method.getType() == MethodDescriptor.MethodType.UNARY
          ? new UnaryCall<>(Gamehall.this, rules, method, options, next)
          : rules.signed(Gamehall.this, next.newCall(method, options));
    }
  }
}
