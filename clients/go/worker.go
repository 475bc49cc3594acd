package holdfast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// WorkOptions of a worker.
type WorkOptions struct {
	// Worker is a name by which people recognize it: 1 to 64 letters, digits, "_", ":" and "-". Empty for "remote".
	Worker string
	// Concurrency is how many tasks are handled at a time. 0 for 1.
	Concurrency int
	// Kinds of tasks that the handler handles: those of others, and of none, are left to other workers. nil for all tasks.
	Kinds []string
	// Lease is how long a task is kept for this worker if it falls silent, 1 s to 10 min. 0 for 30 s.
	Lease time.Duration
	// OnError is told of errors that no handler sees: the server is away, or a task was lost. The worker goes on. It may be
	// called by several goroutines at once.
	OnError func(error)
}

// Delivery is a task in the hands of this worker, under a lease.
type Delivery struct {
	ID   string
	Data json.RawMessage
	// Attempt counts from 1.
	Attempt int64
	// Token is the fencing token: show it to what the task writes to.
	Token    int64
	Issuer   string
	Resource string
	Key      string
	Tenant   string
	// Kind is the name of its kind, if it was added with one.
	Kind string

	claims   *Claims
	handle   string
	validity *validity
	// Whether it was cancelled while its handler ran.
	cancelled bool
}

// Left is for how long the task is certainly this worker's; 0 when it is not.
func (d *Delivery) Left() time.Duration { return d.validity.left() }

// Holder is what Queues.Add and AddMany take as Holder: nothing is added once the task was given to another worker, which added
// something. It is a secret, as a key is.
func (d *Delivery) Holder() *Holder { return &Holder{Claim: d.handle} }

// Progress tells how far it is: up to 16,000 bytes of JSON.
func (d *Delivery) Progress(ctx context.Context, value any) error {
	return d.claims.Progress(ctx, d.handle, ClaimsProgressBody{Progress: value})
}

// Log adds a line to the task's log: up to 1,000 characters.
func (d *Delivery) Log(ctx context.Context, line string) error {
	return d.claims.Log(ctx, d.handle, ClaimsLogBody{Line: line})
}

// Handler handles a task. Its context ends when the task is no longer this worker's: it was cancelled, or its lease is over.
// What it returns is the task's result; after an error, or a panic, the task is tried again.
type Handler func(ctx context.Context, delivery *Delivery) (any, error)

type nonRetryable struct{ error }

func (e nonRetryable) Unwrap() error { return e.error }

// NonRetryable makes an error one after which the task is not tried again.
func NonRetryable(err error) error { return nonRetryable{err} }

// How long a claim waits at the server: below the 60 s of common proxies.
const claimWait = 25 * time.Second

// Before the next try where the server is away.
const away = time.Second

// Work takes tasks of a queue, until ctx ends; those under way then go on to their end. It returns nil then, and an error at once
// for a right that the key lacks. While a handler runs and its context has not ended, nobody else has its task, by the clock of
// this process. What it returned is told again until the server has answered, or the lease is over.
func (c *Client) Work(ctx context.Context, queue string, handler Handler, options WorkOptions) error {
	if options.Worker == "" {
		options.Worker = "remote"
	}
	if options.Concurrency == 0 {
		options.Concurrency = 1
	}
	if options.Lease == 0 {
		options.Lease = 30 * time.Second
	}
	if options.OnError == nil {
		options.OnError = func(error) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &work{claims: c.Claims, queue: queue, handler: handler, options: options}
	var hands sync.WaitGroup
	failures := make(chan error, options.Concurrency)
	for hand := 0; hand < options.Concurrency; hand++ {
		hands.Add(1)
		go func() {
			defer hands.Done()
			if err := w.alone(ctx); err != nil {
				failures <- err
				cancel() // the others would be told the same
			}
		}()
	}
	hands.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return nil
	}
}

type work struct {
	claims  *Claims
	queue   string
	handler Handler
	options WorkOptions
}

func (w *work) alone(ctx context.Context) error {
	for ctx.Err() == nil {
		err := w.claimAndHandle(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		if isForGood(err) || statusOf(err) == http.StatusUnauthorized {
			return err
		}
		w.options.OnError(err)
		pause(ctx, retryAfter(err, away))
	}
	return nil
}

func (w *work) claimAndHandle(ctx context.Context) error {
	sent := time.Now()
	// Without an Idempotency-Key: where this process has gone by then, the server gives the task to others at once.
	answer, err := w.claims.Claim(ctx, w.queue, ClaimsClaimBody{
		Worker: w.options.Worker, Lease: Ptr(w.options.Lease.Milliseconds()),
		Max: Ptr(int64(1)), Wait: Ptr(claimWait.Milliseconds()), Kinds: w.options.Kinds,
	})
	if err != nil {
		return err
	}
	for _, task := range answer.Tasks {
		// The end of the worker ends no task.
		valid := newValidity(context.Background(), "task "+task.ID, sent, answer.ValidFor, answer.Waited)
		w.handle(valid, &Delivery{
			ID: task.ID, Data: task.Data, Attempt: task.Attempt, Token: task.Token, Issuer: task.Issuer,
			Resource: task.Resource, Key: task.Key, Tenant: task.Tenant, Kind: task.Kind,
			claims: w.claims, handle: task.Claim, validity: valid,
		}, task.Timeout)
	}
	return nil
}

// handle runs the handler while the lease is extended; timeout: how long the attempt may take, in ms, if there is a limit.
func (w *work) handle(valid *validity, delivery *Delivery, timeout *int64) {
	defer valid.end("has ended")
	ending, stop := context.WithCancel(valid.ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		w.renew(ending, valid, delivery)
	}()
	result, err := w.run(valid.ctx, delivery, timeout)
	if err == nil && result != nil {
		// What cannot be encoded fails the attempt; told to the server it would only be repeated.
		result, err = encoded(result)
	}
	if err == nil {
		w.tell(valid, func(ctx context.Context) error {
			_, err := w.claims.Complete(ctx, delivery.handle, ClaimsCompleteBody{Result: result})
			return err
		})
	} else {
		failure := failureOf(err)
		w.tell(valid, func(ctx context.Context) error {
			_, err := w.claims.Fail(ctx, delivery.handle, failure)
			return err
		})
	}
	stop()
	<-renewed
	if delivery.cancelled {
		w.letGo(delivery)
	}
}

// letGo ends a task that was cancelled while its handler ran: until then it is active, though nobody works on it.
func (w *work) letGo(delivery *Delivery) {
	ctx, cancel := context.WithTimeout(context.Background(), w.options.Lease)
	defer cancel()
	_, err := w.claims.Complete(ctx, delivery.handle, ClaimsCompleteBody{})
	if err != nil && statusOf(err) != http.StatusGone {
		w.options.OnError(err) // it ends when its lease has run out, and a worker asks for tasks
	}
}

func encoded(result any) (any, error) {
	data, err := json.Marshal(result)
	return json.RawMessage(data), err
}

type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("the handler panicked: %v", p.value) }

func (w *work) run(ctx context.Context, delivery *Delivery, timeout *int64) (result any, err error) {
	if timeout != nil {
		limited, cancel := context.WithTimeout(ctx, time.Duration(*timeout)*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, string(debug.Stack())}
		}
	}()
	return w.handler(ctx, delivery)
}

// renew extends the lease three times in its length, until the handler has ended or the task is lost.
func (w *work) renew(ctx context.Context, valid *validity, delivery *Delivery) {
	for {
		wait := valid.left()
		if wait > w.options.Lease {
			wait = w.options.Lease
		}
		pause(ctx, wait/3)
		if ctx.Err() != nil {
			return
		}
		sent := time.Now()
		// A connection that hangs is given up while there is time to ask again.
		trying, cancel := context.WithTimeout(ctx, valid.left()/2)
		answer, err := w.claims.Extend(trying, delivery.handle)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case statusOf(err) == http.StatusGone:
			valid.end("was given to another worker")
		case err != nil:
			w.options.OnError(err) // and tries again, until the validity is over
		case answer.Cancelled != "":
			delivery.cancelled = true // read when this goroutine has ended
			valid.end("was cancelled: " + answer.Cancelled)
			return
		default:
			valid.renew(sent, answer.ValidFor, answer.Waited)
		}
	}
}

// tell says what came of a task, again and again until that is known or the lease is over.
func (w *work) tell(valid *validity, say func(context.Context) error) {
	for valid.ctx.Err() == nil {
		err := say(valid.ctx)
		switch {
		case err == nil:
			return
		case statusOf(err) == http.StatusGone:
			valid.end("was given to another worker")
		case isForGood(err):
			w.options.OnError(err)
			return
		default:
			wait := retryAfter(err, away)
			if wait > away {
				wait = away
			}
			pause(valid.ctx, wait)
		}
	}
	w.options.OnError(valid.err())
}

func failureOf(err error) ClaimsFailBody {
	var final nonRetryable
	failure := ClaimsFailBody{Message: cut(err.Error(), 2_000), Retry: Ptr(!errors.As(err, &final))}
	if failure.Message == "" {
		failure.Message = "an error without a message"
	}
	var panicked *panicked
	if errors.As(err, &panicked) {
		failure.Stack = cut(panicked.stack, 20_000)
	}
	return failure
}

// cut keeps so many characters at most.
func cut(text string, most int) string {
	runes := []rune(text)
	if len(runes) > most/2 {
		return string(runes[:most/2]) // the server counts as JavaScript does, up to two for one
	}
	return text
}

// isForGood: trying again changes nothing. A key may be refused while keys are exchanged, so 401 is none of it.
func isForGood(err error) bool {
	switch statusOf(err) {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		return true
	case 0:
		return !isUnreachable(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	return false
}
