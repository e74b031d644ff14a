// One call and its repeats.

import { getOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { method as rulesOf } from "../gen/gamehall/options/v1/options_pb.js";
import { refusal } from "./refusals.js";

const MOST = 4;
const FIRST_WAIT = 0.2;
const LONGEST_WAIT = 5;
const PASSING = [Code.Unavailable, Code.ResourceExhausted];
const SIGNED = "authorization";
const KEY = "idempotency-key";

/** What to send, attempt for attempt, and whether there is another one. */
export interface Attempts {
  /** Whether the token is sent: not where the caller sends one or the header names a client (RFC 6749 section 2.3.1). */
  readonly signs: boolean;
  /** Readies the request for the next attempt. */
  next(access: string | undefined): void;
  /** Whether a new token may help. Once per call; also for a write, because nothing was done. */
  renewable(error: ConnectError, access: string | undefined): boolean;
  /**
   * Seconds until the next attempt: what the server tells, else a part of a growing time. undefined when there is no next one; a long
   * time is for the caller to wait, who may have something to say meanwhile.
   */
  wait(error: ConnectError): number | undefined;
}

/** The attempts of one request. */
export function attemptsOf(request: UnaryRequest | StreamRequest): Attempts {
  const rules = getOption(request.method, rulesOf);
  const reads = request.method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN;
  // A second token request opens another session, or gives the same child of a refresh token.
  const repeatable = !request.stream && (reads || rules.keyed || rules.oauth);
  const signs = !rules.oauth && !request.header.has(SIGNED);
  // Every repeat carries the same key.
  if (rules.keyed && !request.header.has(KEY)) request.header.set(KEY, newKey());
  let made = 0;
  let renewed = false;
  return {
    signs,
    next(access) {
      made += 1;
      if (access !== undefined) request.header.set(SIGNED, `Bearer ${access}`);
    },
    renewable(error, access) {
      if (error.code !== Code.Unauthenticated || access === undefined || renewed || request.stream) return false;
      renewed = true;
      return true;
    },
    wait(error) {
      if (!PASSING.includes(error.code) || !repeatable || made >= MOST) return undefined;
      const wait = refusal(error).retryAfter ?? (0.5 + Math.random() / 2) * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (made - 1));
      return wait > LONGEST_WAIT ? undefined : wait;
    },
  };
}

/** Why an attempt failed. A connection that was lost has another code in each transport: here it is Unavailable, as everywhere in gRPC. */
export function failureOf(reason: unknown, signal: AbortSignal): ConnectError {
  const error = ConnectError.from(reason);
  // fetch rejects with a TypeError; an HTTP/2 stream is cancelled, and not by the caller.
  const lost = error.cause instanceof TypeError || error.code === Code.Canceled;
  return lost && !signal.aborted ? new ConnectError(error.rawMessage, Code.Unavailable, error.metadata, undefined, error) : error;
}

/** Waits so many seconds; rejects with the error when the call is given up meanwhile. */
export function paused(seconds: number, signal: AbortSignal, error: ConnectError): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    }, seconds * 1000);
    signal.addEventListener("abort", giveUp, { once: true });
  });
}

// crypto.randomUUID exists on secure origins only.
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
