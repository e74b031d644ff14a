package client

import (
	"context"
	"crypto/rand"
	"math"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	optionsv1 "gamehall.example/client/gen/gamehall/options/v1"
)

const (
	most                   = 4
	firstWait, longestWait = 0.2, 5.0
)

// What the contract says of calling a method.
type rules struct{ repeatable, keyed, oauth bool }

// The rules of "/package.Service/Method". A method of another contract is never repeated.
func rulesOf(path string) rules {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(path[1:], "/", ".")))
	if err != nil {
		return rules{}
	}
	options, ok := found.Options().(*descriptorpb.MethodOptions)
	if !ok {
		return rules{}
	}
	own, _ := proto.GetExtension(options, optionsv1.E_Method).(*optionsv1.MethodRules)
	reads := options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
	// A second token request opens another session, or gives the same child of a refresh token.
	return rules{reads || own.GetKeyed() || own.GetOauth(), own.GetKeyed(), own.GetOauth()}
}

// Whether the token is sent: not where the caller sends one or the header names a client (RFC 6749 section 2.3.1).
func (r rules) signs(ctx context.Context) bool { return !r.oauth && !sends(ctx, "authorization") }

func sends(ctx context.Context, key string) bool {
	sent, _ := metadata.FromOutgoingContext(ctx)
	return len(sent.Get(key)) > 0
}

// What happens to every call: a token, a key, a repeat.
func (c *Client) unary(
	ctx context.Context, method string, request, answer any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	r := rulesOf(method)
	signs, renewed := r.signs(ctx), false
	if r.keyed && !sends(ctx, "idempotency-key") {
		// Every repeat carries the same key.
		ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", rand.Text())
	}
	for made := 1; ; made++ {
		access := ""
		if signs {
			var err error
			if access, err = c.access(ctx); err != nil {
				return err
			}
		}
		var trailers metadata.MD
		err := invoke(signed(ctx, access), method, request, answer, conn, append(options, grpc.Trailer(&trailers))...)
		if err == nil {
			return nil
		}
		refusal := RefusalOf(err, trailers)
		// A new token may help, once per call; also a write, because nothing was done.
		if refusal.Code == codes.Unauthenticated && access != "" && !renewed {
			renewed = true
			if err := c.renew(ctx, access); err != nil {
				return err
			}
			if c.Tokens().Access != access {
				continue
			}
		}
		passing := refusal.Code == codes.Unavailable || refusal.Code == codes.ResourceExhausted
		if !passing || !r.repeatable || made >= most || !paused(ctx, waitOf(refusal, made)) {
			return refusal
		}
	}
}

// A stream gets a token, and no repeat.
func (c *Client) stream(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	if rulesOf(method).signs(ctx) {
		access, err := c.access(ctx)
		if err != nil {
			return nil, err
		}
		ctx = signed(ctx, access)
	}
	return open(ctx, desc, conn, method, options...)
}

// The time until the next attempt: what the server tells, else a part of a growing time.
func waitOf(refusal *Refusal, made int) time.Duration {
	if refusal.RetryAfter > 0 {
		return refusal.RetryAfter
	}
	seconds := (0.5 + mathrand.Float64()/2) * math.Min(longestWait, firstWait*math.Pow(2, float64(made-1)))
	return time.Duration(seconds * float64(time.Second))
}

// Waits; false at once when the call would be over before, and as soon as it is given up. A long time is for the caller to wait, who may
// have something to say meanwhile.
func paused(ctx context.Context, wait time.Duration) bool {
	if wait.Seconds() > longestWait {
		return false
	}
	if until, ok := ctx.Deadline(); ok && time.Until(until) <= wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
