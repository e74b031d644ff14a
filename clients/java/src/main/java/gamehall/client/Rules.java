package gamehall.client;

import com.google.protobuf.DescriptorProtos.MethodOptions;
import gamehall.options.v1.MethodRules;
import gamehall.options.v1.OptionsProto;
import io.grpc.ClientCall;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;

/** What the contract says of calling a method. A method of another contract is never repeated. */
record Rules(boolean repeatable, boolean keyed, boolean oauth) {
  static final Metadata.Key<String> AUTHORIZATION = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  static Rules of(MethodDescriptor<?, ?> method) {
    if (!(method.getSchemaDescriptor() instanceof ProtoMethodDescriptorSupplier schema)) {
      return new Rules(false, false, false);
    }
    MethodOptions options = schema.getMethodDescriptor().getOptions();
    MethodRules own = options.getExtension(OptionsProto.method);
    boolean reads = options.getIdempotencyLevel() != MethodOptions.IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
    // A second token request opens another session, or gives the same child of a refresh token.
    return new Rules(reads || own.getKeyed() || own.getOauth(), own.getKeyed(), own.getOauth());
  }

  /** Whether the token is sent: not where the caller sends one or the header names a client (RFC 6749 section 2.3.1). */
  boolean signs(Metadata headers) {
    return !oauth && !headers.containsKey(AUTHORIZATION);
  }

  /** A stream gets a token, and no repeat. */
  <Q, A> ClientCall<Q, A> signed(Gamehall game, ClientCall<Q, A> call) {
    return new SimpleForwardingClientCall<>(call) {
      @Override
      public void start(Listener<A> listener, Metadata headers) {
        StatusRuntimeException failed = null;
        try {
          String access = signs(headers) ? game.fresh() : null;
          if (access != null) {
            headers.put(AUTHORIZATION, "Bearer " + access);
          }
        } catch (StatusRuntimeException error) {
          failed = error;
        }
        super.start(listener, headers);
        if (failed != null) {
          super.cancel("The token cannot be renewed: " + failed.getStatus().getDescription(), failed);
        }
      }
    };
  }
}
