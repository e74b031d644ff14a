package gamehall.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** What happens to every call: a token, a key, a repeat. It waits in the thread that is told of an attempt's end. */
final class UnaryCall<Q, A> extends ClientCall<Q, A> {
  private static final int MOST = 4;
  private static final double FIRST_WAIT = 0.2;
  private static final double LONGEST_WAIT = 5;
  private static final Metadata.Key<String> KEY = Metadata.Key.of("idempotency-key", Metadata.ASCII_STRING_MARSHALLER);

  private final Gamehall game;
  private final Rules rules;
  private final MethodDescriptor<Q, A> method;
  private final CallOptions options;
  private final Channel next;
  private Listener<A> listener;
  private Metadata headers;
  private Q message;
  private boolean signs;
  private boolean renewed;
  private int made;
  // The caller may cancel from any thread.
  private ClientCall<Q, A> attempt;
  private Status cancelled;

  UnaryCall(Gamehall game, Rules rules, MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    this.game = game;
    this.rules = rules;
    this.method = method;
    this.options = options;
    this.next = next;
  }

  @Override
  public void start(Listener<A> listener, Metadata headers) {
    this.listener = listener;
    this.headers = headers;
    signs = rules.signs(headers);
    if (rules.keyed() && !headers.containsKey(KEY)) {
      // Every repeat carries the same key.
      headers.put(KEY, UUID.randomUUID().toString());
    }
  }

  @Override
  public void sendMessage(Q message) {
    this.message = message;
  }

  @Override
  public void halfClose() {
    attempt();
  }

  @Override
  public void request(int messages) {
    // An attempt asks for its one answer itself.
  }

  @Override
  public synchronized void cancel(String why, Throwable cause) {
    cancelled = Status.CANCELLED.withDescription(why).withCause(cause);
    if (attempt != null) {
      attempt.cancel(why, cause);
    }
  }

  private void attempt() {
    made++;
    Metadata sent = new Metadata();
    sent.merge(headers);
    String access;
    try {
      access = signs ? game.fresh() : null;
    } catch (StatusRuntimeException error) {
      close(error);
      return;
    }
    if (access != null) {
      sent.put(Rules.AUTHORIZATION, "Bearer " + access);
    }
    ClientCall<Q, A> call;
    synchronized (this) {
      call = cancelled == null ? next.newCall(method, options) : null;
      attempt = call;
    }
    if (call == null) {
      listener.onClose(cancelled, new Metadata());
      return;
    }
    call.start(new Ending(access), sent);
    call.request(2); // As grpc's stubs do: the end is told although a server says too much.
    call.sendMessage(message);
    call.halfClose();
  }

  private void close(StatusRuntimeException error) {
    listener.onClose(error.getStatus(), error.getTrailers() == null ? new Metadata() : error.getTrailers());
  }

  /** Whether there is another attempt; waits until its time. */
  private boolean repeats(Status status, Metadata trailers, String access) {
    if (status.getCode() == Status.Code.UNAUTHENTICATED && access != null && !renewed) {
      // A new token may help, once per call; also a write, because nothing was done.
      renewed = true;
      game.renew(access);
      if (!access.equals(game.access())) {
        return true;
      }
    }
    boolean passing = status.getCode() == Status.Code.UNAVAILABLE || status.getCode() == Status.Code.RESOURCE_EXHAUSTED;
    if (!passing || !rules.repeatable() || made >= MOST) {
      return false;
    }
    Duration told = Refusal.of(status, trailers).retryAfter();
    double seconds = ThreadLocalRandom.current().nextDouble(0.5, 1) * Math.min(LONGEST_WAIT, FIRST_WAIT * Math.pow(2, made - 1));
    long millis = told == null ? (long) (1000 * seconds) : told.toMillis();
    if (millis > 1000 * LONGEST_WAIT) {
      return false; // A long time is for the caller to wait, who may have something to say meanwhile.
    }
    Deadline deadline = options.getDeadline();
    if (deadline != null && deadline.timeRemaining(TimeUnit.MILLISECONDS) <= millis) {
      return false;
    }
    try {
      Thread.sleep(millis);
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      return false;
    }
    return true;
  }

  /** Keeps what an attempt brings until it is known to be the last. */
  private final class Ending extends Listener<A> {
    private final String access;
    private Metadata head;
    private A answer;

    Ending(String access) {
      this.access = access;
    }

    @Override
    public void onHeaders(Metadata head) {
      this.head = head;
    }

    @Override
    public void onMessage(A answer) {
      this.answer = answer;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      try {
        if (!status.isOk() && repeats(status, trailers, access)) {
          attempt();
          return;
        }
      } catch (StatusRuntimeException error) {
        // The token could not be renewed: that is why the call failed.
        close(error);
        return;
      }
      if (head != null) {
        listener.onHeaders(head);
      }
      if (answer != null) {
        listener.onMessage(answer);
      }
      listener.onClose(status, trailers);
    }
  }
}
