// A client of Gamehall for Node and browsers: a transport that signs in, refreshes its token and repeats what may be repeated.
// The clients made on it are Connect's, from generated services.

import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { type CreateTokenResponse, TokenService } from "../gen/gamehall/auth/v1/tokens_pb.js";
import { type Attempts, attemptsOf, failureOf, paused } from "./attempts.js";

export { type Refusal, refusal } from "./refusals.js";

/** A session that can be kept and given back. From `renewAt`, in unix milliseconds, the access token is replaced. */
export interface Tokens {
  readonly access: string;
  readonly refresh?: string;
  readonly renewAt: number;
  readonly clientId: string;
}

type Grant = { grantType: string; clientId: string; clientSecret?: string; username?: string; password?: string; refreshToken?: string };

/** A token is renewed when this part of its time is over. */
const WORN = 0.9;
/** How a server refuses to renew for good; anything else passes. */
const REFUSED = [Code.InvalidArgument, Code.Unauthenticated];

/** Calls a Gamehall server. Every method rejects with a ConnectError when the server refuses. */
export class Gamehall {
  /** What generated services are called on: `createClient(CommentService, game.transport)`. */
  readonly transport: Transport;
  readonly #service: Client<typeof TokenService>;
  #tokens?: Tokens;
  #credentials?: Grant;
  #renewing?: Promise<void>;

  /** `connect` makes a transport of connect-web or connect-node with the interceptors it is given. */
  constructor(connect: (interceptors: Interceptor[]) => Transport) {
    this.transport = connect([this.#intercept]);
    this.#service = createClient(TokenService, this.transport);
  }

  /** Signs a user in. */
  async login(username: string, password: string, clientId = "web"): Promise<void> {
    const grant = { grantType: "password", clientId, username, password };
    this.#keep(grant, await this.#service.createToken(grant));
  }

  /** Signs a client in by its secret, and in again whenever its token ends. Not for browsers: a secret there is none. */
  async loginClient(clientId: string, clientSecret: string): Promise<void> {
    const grant = { grantType: "client_credentials", clientId, clientSecret };
    this.#keep(grant, await this.#service.createToken(grant));
  }

  /** Replaces the access token now. */
  async refresh(): Promise<void> {
    await this.#renew(this.#tokens?.access);
  }

  /** The session; set it to go on with one that was kept, or to undefined to call as nobody. */
  get tokens(): Tokens | undefined {
    return this.#tokens;
  }

  set tokens(tokens: Tokens | undefined) {
    this.#tokens = tokens;
    this.#credentials = undefined;
  }

  // A client's secret is kept for the next token, a password never.
  #keep(grant: Grant, answer: CreateTokenResponse): void {
    const renewAt = Date.now() + WORN * 1000 * Number(answer.expiresIn);
    this.#tokens = { access: answer.accessToken, refresh: answer.refreshToken, renewAt, clientId: grant.clientId };
    this.#credentials = grant.grantType === "client_credentials" ? grant : undefined;
  }

  #renewal(stale: string | undefined): Grant | undefined {
    const tokens = this.#tokens;
    if (!tokens || tokens.access !== stale) return undefined;
    if (this.#credentials) return this.#credentials;
    return tokens.refresh ? { grantType: "refresh_token", clientId: tokens.clientId, refreshToken: tokens.refresh } : undefined;
  }

  // Replaces an access token once, however many calls find it worn at the same time.
  async #renew(stale: string | undefined): Promise<void> {
    const grant = this.#renewal(stale);
    if (!grant) return;
    this.#renewing ??= this.#replace(grant, this.#tokens).finally(() => (this.#renewing = undefined));
    await this.#renewing;
  }

  async #replace(grant: Grant, old: Tokens | undefined): Promise<void> {
    try {
      const answer = await this.#service.createToken(grant);
      // Unless somebody signed in or out meanwhile.
      if (this.#tokens === old) this.#keep(grant, answer);
    } catch (error) {
      if (!REFUSED.includes(ConnectError.from(error).code)) throw error;
      // Calls go on with the old token, and the server tells what is wrong with it.
      if (old && this.#tokens === old) this.tokens = { ...old, refresh: undefined };
    }
  }

  async #access(call: Attempts): Promise<string | undefined> {
    if (!call.signs) return undefined;
    const tokens = this.#tokens;
    if (tokens && Date.now() >= tokens.renewAt) await this.#renew(tokens.access);
    return this.#tokens?.access;
  }

  // What happens to every call: a token, a key, a repeat. A stream is not repeated.
  readonly #intercept: Interceptor = (next) => async (request) => {
    const call = attemptsOf(request);
    for (;;) {
      const access = await this.#access(call);
      call.next(access);
      try {
        return await next(request);
      } catch (reason) {
        const error = failureOf(reason, request.signal);
        if (call.renewable(error, access)) {
          await this.#renew(access);
          if (this.#tokens?.access !== access) continue;
        }
        const wait = call.wait(error);
        if (wait === undefined) throw error;
        await paused(wait, request.signal, error);
      }
    }
  };
}
