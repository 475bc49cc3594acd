package holdfast

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FieldProblem is a field of a request that is wrong.
type FieldProblem struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// ProblemError is an answer of the server that is no success: application/problem+json (RFC 9457).
type ProblemError struct {
	// Status of HTTP.
	Status int
	// Code as in docs/ERRORS.md, such as "HOLDFAST_UNAVAILABLE"; empty where a proxy has answered.
	Code string
	// Detail says what is wrong.
	Detail string
	// RetryAfter is when it is worth asking again; 0 if the server does not say.
	RetryAfter time.Duration
	// Errors by field.
	Errors []FieldProblem
	// Problem is all that was answered.
	Problem map[string]any
}

func (e *ProblemError) Error() string {
	detail := e.Detail
	if detail == "" {
		detail = "the server answered " + strconv.Itoa(e.Status)
	}
	return strings.TrimSpace(fmt.Sprintf("holdfast: %s %s", detail, e.Code))
}

// UnreachableError says that the server could not be reached, or that its answer broke off. Whether it did what was asked is
// not known.
type UnreachableError struct {
	// Host of the server.
	Host string
	// Err is what went wrong.
	Err error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("holdfast: %s could not be reached, or its answer broke off: %v", e.Host, e.Err)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// LostError says that a lease or a task is no longer this process's, or may not be.
type LostError struct {
	// What it was, and why it is over.
	Reason string
}

func (e *LostError) Error() string { return "holdfast: " + e.Reason }

var errRedirected = errors.New("the server redirects, and keys are for it alone")

// problemIn reads the problem in an answer. What is no problem of Holdfast's has its status alone.
func problemIn(response *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	problem := problemOf(response.StatusCode, data)
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && problem.RetryAfter == 0 {
		problem.RetryAfter = time.Duration(seconds) * time.Second
	}
	return problem
}

func problemOf(status int, data []byte) *ProblemError {
	var known struct {
		Status     int            `json:"status"`
		Code       string         `json:"code"`
		Title      string         `json:"title"`
		Detail     string         `json:"detail"`
		RetryAfter float64        `json:"retryAfter"`
		Errors     []FieldProblem `json:"errors"`
	}
	problem := &ProblemError{Status: status}
	if json.Unmarshal(data, &known) != nil || json.Unmarshal(data, &problem.Problem) != nil {
		return problem
	}
	if status == 0 {
		problem.Status = known.Status
	}
	problem.Code, problem.Detail, problem.Errors = known.Code, known.Detail, known.Errors
	if problem.Detail == "" {
		problem.Detail = known.Title
	}
	problem.RetryAfter = time.Duration(known.RetryAfter * float64(time.Millisecond))
	return problem
}

func statusOf(err error) int {
	var problem *ProblemError
	if errors.As(err, &problem) {
		return problem.Status
	}
	return 0
}

func isUnreachable(err error) bool {
	var unreachable *UnreachableError
	return errors.As(err, &unreachable)
}

func retryAfter(err error, otherwise time.Duration) time.Duration {
	var problem *ProblemError
	if errors.As(err, &problem) && problem.RetryAfter > 0 {
		return problem.RetryAfter
	}
	return otherwise
}
