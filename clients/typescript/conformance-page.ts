// What a page offers to conformance-browser.ts, which gives it the generated modules.

import type { Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { follow, servicesOf, type Step } from "./conformance.js";

const TRANSPORTS = { connect: createConnectTransport, "grpc-web": createGrpcWebTransport };

export function offer(modules: object[]): void {
  const run = (url: string, transport: keyof typeof TRANSPORTS, steps: Step[], words: string[]) => {
    const connect = (interceptors: Interceptor[]) => TRANSPORTS[transport]({ baseUrl: url, interceptors });
    return follow(steps, servicesOf(modules), connect, words, [], console.log);
  };
  Object.assign(globalThis, { run });
}
