package client

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Refusal is why a call failed; find it with errors.As. Reason is a word of gamehall.options.v1.ErrorReason; Fields maps dotted paths in
// the request to what is wrong there. An error that no server told, such as a lost connection, has a code and a message only.
type Refusal struct {
	Code                       codes.Code
	Message, Reason, RequestID string
	Fields                     map[string]string
	RetryAfter                 time.Duration

	cause error
}

// Error is what gRPC says of the call.
func (r *Refusal) Error() string { return r.cause.Error() }

// GRPCStatus is for status.FromError and status.Code.
func (r *Refusal) GRPCStatus() *status.Status { return status.Convert(r.cause) }

// Unwrap is gRPC's own error.
func (r *Refusal) Unwrap() error { return r.cause }

// RefusalOf reads an error of a stream and the stream's trailers; errors of other calls are refusals already.
func RefusalOf(err error, trailers metadata.MD) *Refusal {
	told := status.Convert(err)
	refusal := &Refusal{Code: told.Code(), Message: told.Message(), Fields: map[string]string{}, cause: err}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			refusal.Reason = detail.GetReason()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				refusal.Fields[violation.GetField()] = violation.GetDescription()
			}
		case *errdetails.RetryInfo:
			refusal.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	if ids := trailers.Get("x-request-id"); len(ids) > 0 {
		refusal.RequestID = ids[0]
	}
	return refusal
}
