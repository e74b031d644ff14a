// Why a call failed, as the server tells it in google.rpc details.

import { type Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** `reason` is a word of gamehall.options.v1.ErrorReason; `fields` maps dotted paths in the request to what is wrong there. */
export interface Refusal {
  readonly code: Code;
  readonly message: string;
  readonly reason: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly retryAfter?: number;
  readonly requestId: string;
}

/** What an error of a call says. An error that no server told, such as a lost connection, has a code and a message only. */
export function refusal(reason: unknown): Refusal {
  const error = ConnectError.from(reason);
  const violations = error.findDetails(BadRequestSchema).flatMap((bad) => bad.fieldViolations);
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: error.code,
    message: error.rawMessage,
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason ?? "",
    fields: Object.fromEntries(violations.map(({ field, description }) => [field, description])),
    retryAfter: delay && Number(delay.seconds) + delay.nanos / 1e9,
    requestId: error.metadata.get("x-request-id") ?? "",
  };
}
