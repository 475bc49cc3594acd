package holdfast

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"time"
)

// LeaseOptions say which lease to take.
type LeaseOptions struct {
	// TTL is how long the lease outlives this process. 0 for 10 s.
	TTL time.Duration
	// Wait is how long to wait for it; Forever for a candidate of an election.
	Wait time.Duration
	// Above: the token must be above this. 0 for any.
	Above int64
	// Others are more resources, all or none.
	Others []string
	// Shared: whether others may hold it shared at the same time.
	Shared bool
	// Permits takes one of so many permits of the semaphore of this name; all callers give the same number. 0 for a lease.
	Permits int64
}

// Forever is the longest wait.
const Forever = time.Duration(1<<63 - 1)

// The longest that one request waits: below the 60 s of common proxies.
const longestWait = 25 * time.Second

// Before a call is repeated, unless the server says when.
const again = 500 * time.Millisecond

// HeldLease is a lease that this process holds, and a goroutine extends, until Release is called. While its context has not
// ended, nobody else holds the resource, by the clock of this process.
type HeldLease struct {
	Resource string
	// Token is the fencing token: show it to what you write to.
	Token  int64
	Issuer string
	// Others, of a lease on several resources, with tokens of their own, in their order.
	Others []LeaseOthersItem

	leases   *Leases
	handle   string
	ttl      time.Duration
	validity *validity
	ended    chan struct{}
}

// Lease takes the lease on a resource, and keeps it until Release. Its context is derived from ctx, which also ends the wait.
// The error is a *ProblemError, of status 409 where somebody else holds it, an *UnreachableError, or that of ctx.
func (c *Client) Lease(ctx context.Context, name string, options LeaseOptions) (*HeldLease, error) {
	if options.TTL == 0 {
		options.TTL = 10 * time.Second
	}
	began := time.Now()
	key := newID()
	ticket := ""
	for {
		sent := time.Now()
		left := options.Wait - sent.Sub(began)
		body := options.body(left)
		body.Ticket = ticket
		lease, err := c.Leases.Acquire(ctx, name, body, IdempotencyKey(key))
		if err == nil {
			return hold(ctx, c.Leases, lease, options.TTL, sent), nil
		}
		if ctx.Err() != nil || time.Since(began) >= options.Wait || !mayPass(err) {
			return nil, err
		}
		ticket = ticketIn(err)
		if statusOf(err) != http.StatusConflict {
			pause(ctx, again)
		}
	}
}

func (o LeaseOptions) body(left time.Duration) LeasesAcquireBody {
	wait := left
	if wait > longestWait {
		wait = longestWait
	}
	if wait < 0 {
		wait = 0
	}
	body := LeasesAcquireBody{TTL: Ptr(o.TTL.Milliseconds()), Wait: Ptr(wait.Milliseconds()), Others: o.Others}
	if o.Above != 0 {
		body.Above = &o.Above
	}
	if o.Shared {
		body.Shared = &o.Shared
	}
	if o.Permits != 0 {
		body.Permits = &o.Permits
	}
	return body
}

func hold(ctx context.Context, leases *Leases, lease *Lease, ttl time.Duration, sent time.Time) *HeldLease {
	held := &HeldLease{
		Resource: lease.Resource, Token: lease.Token, Issuer: lease.Issuer, Others: lease.Others,
		leases: leases, handle: lease.Lease, ttl: ttl, ended: make(chan struct{}),
		validity: newValidity(ctx, "the lease on "+lease.Resource, sent, lease.ValidFor, lease.Waited),
	}
	go held.renew()
	return held
}

// Context ends when the lease is over. Stop the work then.
func (l *HeldLease) Context() context.Context { return l.validity.ctx }

// Left is for how long it is certainly valid; 0 when it is over.
func (l *HeldLease) Left() time.Duration { return l.validity.left() }

// Err says why it is over, as a *LostError or the error of its context; nil while it is valid.
func (l *HeldLease) Err() error { return l.validity.err() }

// Holder is what Queues.Add and AddMany take as Holder: nothing is added once a higher token was used. Of several resources it
// names the first, unless its Resource is set. It is a secret, as a key is.
func (l *HeldLease) Holder() *Holder { return &Holder{Lease: l.handle} }

// Release gives it back, also when the context that it was taken with has ended. It returns also where that cannot be told to
// the server: the lease then ends with its TTL.
func (l *HeldLease) Release() {
	lost := l.validity.lost()
	l.validity.end("was given back")
	<-l.ended
	if lost {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.ttl)
	defer cancel()
	_ = l.leases.Release(ctx, l.handle)
}

// renew extends it three times in its length, until it is over.
func (l *HeldLease) renew() {
	defer close(l.ended)
	ctx := l.validity.ctx
	for ctx.Err() == nil {
		wait := l.Left()
		if wait > l.ttl {
			wait = l.ttl
		}
		pause(ctx, wait/3)
		if ctx.Err() != nil {
			return
		}
		sent := time.Now()
		// A connection that hangs is given up while there is time to ask again.
		trying, cancel := context.WithTimeout(ctx, l.Left()/2)
		answer, err := l.leases.Extend(trying, l.handle, LeasesExtendBody{})
		cancel()
		if err == nil {
			l.validity.renew(sent, answer.ValidFor, answer.Waited)
		} else if statusOf(err) == http.StatusGone {
			l.validity.end("is over")
		} // else the server may be back before the validity ends
	}
}

func ticketIn(err error) string {
	problem, is := err.(*ProblemError)
	if !is {
		return ""
	}
	ticket, _ := problem.Problem["ticket"].(string)
	return ticket
}

// mayPass: somebody else holds it, or the server is busy or away.
func mayPass(err error) bool {
	status := statusOf(err)
	return isUnreachable(err) || status == http.StatusConflict || status == http.StatusTooManyRequests || status >= 500
}

func newID() string {
	var bytes [16]byte
	if _, err := rand.Read(bytes[:]); err != nil {
		panic(err) // there is no randomness on this machine
	}
	return hex.EncodeToString(bytes[:])
}
