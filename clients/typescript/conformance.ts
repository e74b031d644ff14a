// The steps of ../conformance.json, by this client: in Node by conformance-node.ts, in a page by conformance-page.ts.

import { type DescMethod, type DescService, fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { Gamehall, refusal } from "gamehall-client";

// What only some clients do: speak gRPC itself, and carry a secret, which a page cannot keep.
export type Door = "grpc" | "server";

export interface Step {
  say: string;
  as: string;
  door?: Door;
  call?: string;
  send?: JsonObject;
  key?: string;
  login?: { username: string; password: string };
  login_client?: { client_id: string; client_secret: string };
  refresh?: true;
  spoil?: "refused" | "worn";
  answer?: JsonObject;
  keep?: Record<string, string>;
  refused?: { code?: string; reason?: string; field?: string };
}

class Difference extends Error {}

// Makes a transport with a client's interceptors.
export type Connect = (interceptors: Interceptor[]) => Transport;

// The generated services of some modules, by their names.
export function servicesOf(modules: object[]): Map<string, DescService> {
  const found = modules.flatMap((module) => Object.values(module)).filter((value) => value?.kind === "service") as DescService[];
  return new Map(found.map((service) => [service.typeName, service]));
}

// The value with ${names} replaced.
function filled<T>(value: T, known: Map<string, string>): T {
  return JSON.parse(JSON.stringify(value), (_, inner) =>
    typeof inner === "string" ? inner.replace(/\$\{(\w+)\}/g, (_, name: string) => known.get(name) ?? "") : inner,
  ) as T;
}

// A scalar as JSON writes it, without quotes.
function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

// An object may hold more than expected, a list may go on; null expects nothing there.
function compare(expected: unknown, seen: unknown, path: string): void {
  const different = new Difference(`${path} is ${JSON.stringify(seen ?? null)}, not ${JSON.stringify(expected)}`);
  if (typeof expected !== "object" || expected === null) {
    if (textOf(expected) !== textOf(seen)) throw different;
    return;
  }
  if (typeof seen !== "object" || seen === null || Array.isArray(expected) !== Array.isArray(seen)) throw different;
  for (const [name, inner] of Object.entries(expected)) compare(inner, (seen as Record<string, unknown>)[name], `${path}.${name}`);
}

// The answer to a call in protobuf's JSON; of a stream the first.
async function called(game: Gamehall, known: Map<string, DescService>, step: Step & { call: string }): Promise<JsonValue> {
  const [name, rpc] = step.call.split("/") as [string, string];
  const service = known.get(name);
  const method: DescMethod | undefined = service?.methods.find((method) => method.name === rpc);
  if (!service || !method) throw new Difference(`no ${step.call}`);
  const client = createClient(service, game.transport) as Record<string, (request: unknown, options: object) => unknown>;
  const request = fromJson(method.input, step.send ?? {});
  const options = { headers: step.key === undefined ? {} : { "idempotency-key": step.key } };
  const answer = client[method.localName]!(request, options);
  if (method.methodKind === "unary") return toJson(method.output, (await answer) as never);
  for await (const message of answer as AsyncIterable<never>) return toJson(method.output, message);
  throw new Difference("the stream ended without a message");
}

async function act(game: Gamehall, known: Map<string, DescService>, step: Step): Promise<JsonValue> {
  if (step.call !== undefined) return called(game, known, { ...step, call: step.call });
  if (step.login) await game.login(step.login.username, step.login.password);
  if (step.login_client) await game.loginClient(step.login_client.client_id, step.login_client.client_secret);
  const before = game.tokens;
  if (!before) throw new Difference("nobody is signed in");
  if (step.spoil) game.tokens = { ...before, access: "spoiled", renewAt: step.spoil === "worn" ? 0 : before.renewAt };
  if (step.refresh) {
    await game.refresh();
    if (game.tokens?.access === before.access) throw new Difference("the token is the old one");
  }
  return null;
}

async function go(game: Gamehall, known: Map<string, DescService>, step: Step, names: Map<string, string>): Promise<void> {
  let answer: JsonValue;
  try {
    answer = await act(game, known, step);
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const told = refusal(error);
    if (!step.refused) throw new Difference(`refused with ${JSON.stringify(told)}`);
    const code = Code[told.code]!.replace(/(?<!^)[A-Z]/g, "_$&").toUpperCase();
    const { field, ...expected } = step.refused;
    compare(expected, { ...told, code }, "refusal");
    if (field !== undefined && !(field in told.fields)) throw new Difference(`the refusal names ${Object.keys(told.fields)}, not ${field}`);
    return;
  }
  if (step.refused) throw new Difference(`not refused: ${JSON.stringify(answer)}`);
  if (step.answer) compare(step.answer, answer, "answer");
  for (const [name, path] of Object.entries(step.keep ?? {})) {
    const value = path.split(".").reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], answer);
    names.set(name, textOf(value));
  }
}

// Takes the steps, and says a line after each. The first difference ends it with false. `words` are names and values, as KEY=VALUE.
export async function follow(
  steps: Step[],
  known: Map<string, DescService>,
  connect: Connect,
  words: string[],
  doors: Door[],
  say: (line: string) => void,
): Promise<boolean> {
  const names = new Map(words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
  names.set("run", Date.now().toString(36) + Math.random().toString(36).slice(2, 8));
  const actors = new Map<string, Gamehall>();
  for (const step of steps.filter(({ door }) => door === undefined || doors.includes(door))) {
    const game = actors.get(step.as) ?? new Gamehall(connect);
    actors.set(step.as, game);
    try {
      await go(game, known, filled(step, names), names);
    } catch (error) {
      if (!(error instanceof Difference)) throw error;
      say(`FAIL ${step.say} - ${error.message}`);
      return false;
    }
    say(`ok   ${step.say}`);
  }
  return true;
}
