// Goes through ../conformance.json: go run ./conformance ADDRESS client=KEY secret=SECRET
// Prints a line per step. The first difference ends it with status 1.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"gamehall.example/client"
	_ "gamehall.example/client/gen/gamehall/auth/v1"
	_ "gamehall.example/client/gen/gamehall/comments/v1"
	_ "gamehall.example/client/gen/gamehall/locations/v1"
	_ "gamehall.example/client/gen/gamehall/maintenance/v1"
	_ "gamehall.example/client/gen/gamehall/platform/v1"
	_ "gamehall.example/client/gen/gamehall/users/v1"
)

type step struct {
	Say, As, Call, Key, Spoil string
	Send                      json.RawMessage
	Login                     map[string]string
	LoginClient               map[string]string `json:"login_client"`
	Refresh                   bool
	Answer                    map[string]any
	Keep                      map[string]string
	Refused                   map[string]string
}

// Every ${name} of a step replaced.
func filled(raw json.RawMessage, known map[string]string) (step, error) {
	text := regexp.MustCompile(`\$\{(\w+)\}`).ReplaceAllStringFunc(string(raw), func(name string) string { return known[name[2:len(name)-1]] })
	var s step
	return s, json.Unmarshal([]byte(text), &s)
}

// A scalar as JSON writes it, without quotes.
func textOf(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	written, _ := json.Marshal(value)
	return string(written)
}

// An object may hold more than expected, a list may go on; null expects nothing there.
func compare(expected, seen any, path string) error {
	different := fmt.Errorf("%s is %s, not %s", path, textOf(seen), textOf(expected))
	switch expected := expected.(type) {
	case map[string]any:
		object, ok := seen.(map[string]any)
		if !ok {
			return different
		}
		for name, inner := range expected {
			if err := compare(inner, object[name], path+"."+name); err != nil {
				return err
			}
		}
	case []any:
		list, ok := seen.([]any)
		if !ok || len(list) < len(expected) {
			return different
		}
		for number, inner := range expected {
			if err := compare(inner, list[number], fmt.Sprintf("%s.%d", path, number)); err != nil {
				return err
			}
		}
	default:
		if textOf(expected) != textOf(seen) {
			return different
		}
	}
	return nil
}

// The answer to a call in protobuf's JSON; of a stream the first.
func called(ctx context.Context, game *client.Client, s step) (any, error) {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(s.Call, "/", ".")))
	if err != nil {
		return nil, err
	}
	method := found.(protoreflect.MethodDescriptor)
	request, answer := dynamicpb.NewMessage(method.Input()), dynamicpb.NewMessage(method.Output())
	if err := protojson.Unmarshal(s.Send, request); err != nil {
		return nil, err
	}
	if s.Key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "idempotency-key", s.Key)
	}
	if method.IsStreamingServer() {
		err = first(ctx, game.Conn, "/"+s.Call, request, answer)
	} else {
		err = game.Conn.Invoke(ctx, "/"+s.Call, request, answer)
	}
	if err != nil {
		return nil, err
	}
	written, err := protojson.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var read any
	return read, json.Unmarshal(written, &read)
}

func first(ctx context.Context, conn *grpc.ClientConn, path string, request, answer proto.Message) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, path)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(answer); err != nil {
		return client.RefusalOf(err, stream.Trailer())
	}
	return nil
}

func act(ctx context.Context, game *client.Client, s step) (any, error) {
	switch {
	case s.Call != "":
		return called(ctx, game, s)
	case s.Login != nil:
		return nil, game.Login(ctx, s.Login["username"], s.Login["password"], "web")
	case s.LoginClient != nil:
		return nil, game.LoginClient(ctx, s.LoginClient["client_id"], s.LoginClient["client_secret"])
	}
	before := game.Tokens()
	if s.Spoil != "" {
		spoiled := before
		spoiled.Access = "spoiled"
		if s.Spoil == "worn" {
			spoiled.RenewAt = time.Time{}
		}
		game.SetTokens(spoiled)
		return nil, nil
	}
	if err := game.Refresh(ctx); err != nil {
		return nil, err
	}
	if game.Tokens().Access == before.Access {
		return nil, errors.New("the token is the old one")
	}
	return nil, nil
}

func do(ctx context.Context, game *client.Client, s step, known map[string]string) error {
	answer, err := act(ctx, game, s)
	var refusal *client.Refusal
	if errors.As(err, &refusal) && s.Refused != nil {
		code := strings.ToUpper(regexp.MustCompile(`(.)([A-Z])`).ReplaceAllString(refusal.Code.String(), "${1}_$2"))
		field := s.Refused["field"]
		if _, named := refusal.Fields[field]; code != s.Refused["code"] || refusal.Reason != s.Refused["reason"] || field != "" && !named {
			return fmt.Errorf("refused with %s %s %v, not %v", code, refusal.Reason, refusal.Fields, s.Refused)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if s.Refused != nil {
		return fmt.Errorf("not refused: %s", textOf(answer))
	}
	if s.Answer != nil {
		if err := compare(s.Answer, answer, "answer"); err != nil {
			return err
		}
	}
	for name, path := range s.Keep {
		value := answer
		for _, part := range strings.Split(path, ".") {
			value = value.(map[string]any)[part]
		}
		known[name] = textOf(value)
	}
	return nil
}

func run(address string, words []string) error {
	written, err := os.ReadFile("../conformance.json")
	if err != nil {
		return err
	}
	var file struct{ Steps []json.RawMessage }
	if err := json.Unmarshal(written, &file); err != nil {
		return err
	}
	known := map[string]string{"run": fmt.Sprintf("%x", time.Now().UnixNano())}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		known[name] = value
	}
	actors := map[string]*client.Client{}
	for _, raw := range file.Steps {
		s, err := filled(raw, known)
		if err != nil {
			return err
		}
		if actors[s.As] == nil {
			game, err := client.New(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				return err
			}
			defer game.Close()
			actors[s.As] = game
		}
		if err := do(context.Background(), actors[s.As], s, known); err != nil {
			return fmt.Errorf("%s - %w", s.Say, err)
		}
		fmt.Println("ok  ", s.Say)
	}
	return nil
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}
