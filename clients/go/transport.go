package holdfast

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// CallOption changes one call.
type CallOption func(*http.Request)

// IdempotencyKey makes a call one that may be repeated: with the same key it creates nothing twice.
func IdempotencyKey(key string) CallOption {
	return func(sent *http.Request) { sent.Header.Set("Idempotency-Key", key) }
}

type request struct {
	method, path string
	params       map[string]string
	query        any
	body         any
	handle       string
}

type transport struct {
	base, host string
	key        func() (string, error)
	http       *http.Client
}

func answerOf[T any](ctx context.Context, t *transport, asked request, options []CallOption) (*T, error) {
	var answer T
	if err := t.call(ctx, asked, options, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// call makes one request, and reads its answer into `answer`, unless that is nil.
func (t *transport) call(ctx context.Context, asked request, options []CallOption, answer any) error {
	response, err := t.send(ctx, asked, "application/json", options)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return t.failure(ctx, err)
	}
	if answer == nil || len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return t.failure(ctx, err)
	}
	return nil
}

// send returns an answer of success, whose body is to be closed.
func (t *transport) send(ctx context.Context, asked request, accept string, options []CallOption) (*http.Response, error) {
	sent, err := t.made(ctx, asked)
	if err != nil {
		return nil, err
	}
	sent.Header.Set("Accept", accept)
	for _, option := range options {
		option(sent)
	}
	response, err := t.http.Do(sent)
	if err != nil {
		return nil, t.failure(ctx, err)
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, problemIn(response)
}

func (t *transport) made(ctx context.Context, asked request) (*http.Request, error) {
	target := asked.path
	for name, value := range asked.params {
		target = strings.ReplaceAll(target, "{"+name+"}", escaped(value))
	}
	query, err := queryOf(asked.query)
	if err != nil {
		return nil, err
	}
	var content io.Reader
	if asked.body != nil {
		data, err := json.Marshal(asked.body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	sent, err := http.NewRequestWithContext(ctx, asked.method, t.base+target+query, content)
	if err != nil {
		return nil, err
	}
	if asked.method != http.MethodGet {
		sent.Header.Set("Content-Type", "application/json")
	}
	if asked.handle != "" {
		sent.Header.Set("Holdfast-Lease", asked.handle)
	}
	if t.key != nil {
		key, err := t.key()
		if err != nil {
			return nil, err
		}
		sent.Header.Set("Authorization", "Bearer "+key)
	}
	return sent, nil
}

func (t *transport) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &UnreachableError{Host: t.host, Err: err}
}

// escaped is a name as a part of a path: url.PathEscape leaves what separates verbs.
func escaped(name string) string {
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// queryOf encodes the fields that are given.
func queryOf(query any) (string, error) {
	data, err := json.Marshal(query)
	if err != nil {
		return "", err
	}
	fields := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil || len(fields) == 0 {
		return "", err
	}
	values := url.Values{}
	for name, value := range fields {
		values.Set(name, fmt.Sprint(value))
	}
	return "?" + values.Encode(), nil
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
