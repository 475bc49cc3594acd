// Package holdfast is a client of the Holdfast server. It needs nothing but the standard library.
//
// A call is sent once. It returns what the server answered, or a *ProblemError where the server refused, or an
// *UnreachableError, after which it is not known whether the server did what was asked, or the error of its context.
package holdfast

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Options of a client.
type Options struct {
	// URL of the server, such as "https://holdfast.internal:7400".
	URL string
	// Key returns the API key for each request, such as one that is read from a file. Nil for a server that asks for none.
	Key func() (string, error)
	// HTTP sends the requests; nil for one with the transport of Go. It follows no redirects: the handle of a lease is for
	// the server alone.
	HTTP *http.Client
}

// Client of a server. It holds nothing but its options and idle connections, needs no closing, and may be used by many
// goroutines.
type Client struct {
	Systems
}

// New makes a client. Its error says what is wrong with the URL.
func New(options Options) (*Client, error) {
	base, err := url.Parse(options.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("holdfast: URL is such as https://holdfast.internal:7400; got %q", options.URL)
	}
	sender := http.Client{}
	if options.HTTP != nil {
		sender = *options.HTTP
	}
	sender.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirected }
	t := &transport{base: strings.TrimRight(options.URL, "/"), host: base.Host, key: options.Key, http: &sender}
	return &Client{systemsOf(t)}, nil
}

// StaticKey is a key that stays as it is.
func StaticKey(key string) func() (string, error) {
	return func() (string, error) { return key, nil }
}

// Ptr gives the address of a value, for optional fields.
func Ptr[T any](value T) *T { return &value }
