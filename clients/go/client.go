// Package client calls a Gamehall server over gRPC: a connection that signs in, refreshes its token and repeats what may be repeated.
// The stubs on it are the generated ones below gen/.
package client

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	authv1 "gamehall.example/client/gen/gamehall/auth/v1"
)

// A token is renewed when this part of its time is over.
const worn = 0.9

// Tokens is a session that can be kept and given back. From RenewAt the access token is replaced.
type Tokens struct {
	Access, Refresh, ClientID string
	RenewAt                   time.Time
}

// Client is a connection to a Gamehall server; make generated stubs on Conn. Goroutines may share it.
type Client struct {
	Conn *grpc.ClientConn

	auth        authv1.TokenServiceClient
	renewing    sync.Mutex // held while a token is asked for
	mu          sync.Mutex // guards the rest
	tokens      Tokens
	credentials *authv1.CreateTokenRequest
}

// New makes a client of a target such as "play.example.com:443". It is TLS with the system's roots unless an option says otherwise.
// What calls return is a *Refusal.
func New(target string, options ...grpc.DialOption) (*Client, error) {
	c := &Client{}
	conn, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})),
		grpc.WithDisableRetry(),
		grpc.WithChainUnaryInterceptor(c.unary),
		grpc.WithChainStreamInterceptor(c.stream),
	}, options...)...)
	if err != nil {
		return nil, err
	}
	c.Conn, c.auth = conn, authv1.NewTokenServiceClient(conn)
	return c, nil
}

// Close closes the connection.
func (c *Client) Close() error { return c.Conn.Close() }

// Login signs a user in; clientID is the app's, "web" for one of one's own.
func (c *Client) Login(ctx context.Context, username, password, clientID string) error {
	grant := &authv1.CreateTokenRequest{ClientId: &clientID, Username: &username, Password: &password}
	return c.take(ctx, "password", grant)
}

// LoginClient signs a client in by its secret, and in again whenever its token ends.
func (c *Client) LoginClient(ctx context.Context, clientID, clientSecret string) error {
	grant := &authv1.CreateTokenRequest{ClientId: &clientID, ClientSecret: &clientSecret}
	return c.take(ctx, "client_credentials", grant)
}

// Refresh replaces the access token now.
func (c *Client) Refresh(ctx context.Context) error { return c.renew(ctx, c.Tokens().Access) }

// Tokens is the session; all of it is empty when nobody is signed in.
func (c *Client) Tokens() Tokens {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens
}

// SetTokens goes on with a session that was kept; an empty one calls as nobody.
func (c *Client) SetTokens(tokens Tokens) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens, c.credentials = tokens, nil
}

// A client's secret is kept for the next token, a password never.
func (c *Client) take(ctx context.Context, kind string, grant *authv1.CreateTokenRequest) error {
	grant.GrantType = &kind
	answer, err := c.auth.CreateToken(ctx, grant)
	if err != nil {
		return err
	}
	life := time.Duration(worn * float64(answer.GetExpiresIn()) * float64(time.Second))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = Tokens{answer.GetAccessToken(), answer.GetRefreshToken(), grant.GetClientId(), time.Now().Add(life)}
	c.credentials = nil
	if kind == "client_credentials" {
		c.credentials = grant
	}
	return nil
}

// What to ask for in place of an access token; nil when it was replaced meanwhile or nothing can replace it.
func (c *Client) renewal(stale string) *authv1.CreateTokenRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.tokens.Access == "" || c.tokens.Access != stale:
		return nil
	case c.credentials != nil:
		return c.credentials
	case c.tokens.Refresh == "":
		return nil
	}
	kind, clientID, refresh := "refresh_token", c.tokens.ClientID, c.tokens.Refresh
	return &authv1.CreateTokenRequest{GrantType: &kind, ClientId: &clientID, RefreshToken: &refresh}
}

// Replaces an access token once, however many calls find it worn at the same time.
func (c *Client) renew(ctx context.Context, stale string) error {
	c.renewing.Lock()
	defer c.renewing.Unlock()
	request := c.renewal(stale)
	if request == nil {
		return nil
	}
	err := c.take(ctx, request.GetGrantType(), request)
	if code := status.Code(err); code != codes.InvalidArgument && code != codes.Unauthenticated {
		return err
	}
	// Refused for good: calls go on with the old token, and the server tells what is wrong with it.
	tokens := c.Tokens()
	tokens.Refresh = ""
	c.SetTokens(tokens)
	return nil
}

// The access token for a call, renewed where it is worn.
func (c *Client) access(ctx context.Context) (string, error) {
	tokens := c.Tokens()
	if tokens.Access != "" && !time.Now().Before(tokens.RenewAt) {
		if err := c.renew(ctx, tokens.Access); err != nil {
			return "", err
		}
	}
	return c.Tokens().Access, nil
}

func signed(ctx context.Context, access string) context.Context {
	if access == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+access)
}
