package gamehall.client;

import java.time.Instant;

/** A session that can be kept and given back. From {@code renewAt} the access token is replaced; {@code refresh} may be null. */
public record Tokens(String access, String refresh, Instant renewAt, String clientId) {}
