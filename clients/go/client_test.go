// The client against a real server, whose address and key are in HOLDFAST_URL and HOLDFAST_KEY.
package holdfast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"
)

func client(t *testing.T) *Client {
	t.Helper()
	made, err := New(Options{URL: os.Getenv("HOLDFAST_URL"), Key: StaticKey(os.Getenv("HOLDFAST_KEY"))})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// limited is a context that a test cannot outlive.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestTasks(t *testing.T) {
	c, ctx := client(t), limited(t)
	added := must[*QueuesAddAnswer](t)(c.Queues.Add(ctx, "go", NewTask{Data: map[string]int{"n": 1}, ID: "a/b c"}))
	if added.ID != "a/b c" || !added.Added {
		t.Fatalf("got %+v", added)
	}
	task := must[*Task](t)(c.Queues.Get(ctx, "go", "a/b c", nil))
	if string(task.Data) != `{"n":1}` || task.State != "waiting" {
		t.Fatalf("got %+v", task)
	}
	page := must[*QueuesTasksAnswer](t)(c.Queues.Tasks(ctx, "go", &QueuesTasksQuery{State: "waiting", Limit: Ptr(int64(5))}))
	if len(page.Tasks) != 1 || page.Tasks[0].ID != "a/b c" {
		t.Fatalf("got %+v", page)
	}
	many := must[*QueuesAddManyAnswer](t)(c.Queues.AddMany(ctx, "go", QueuesAddManyBody{Tasks: []NewTask{{Data: 1}, {Data: nil, Priority: Ptr(int64(0))}}}))
	if len(many.Tasks) != 2 || many.Tasks[0].ID == "" {
		t.Fatalf("got %+v", many)
	}
	if err := c.Queues.Remove(ctx, "go", "a/b c"); err != nil {
		t.Fatal(err)
	}
}

func TestWork(t *testing.T) {
	c := client(t)
	ctx, stop := context.WithCancel(limited(t))
	defer stop()
	tasks := []NewTask{
		{Data: "wrong", ID: "b", Kind: "mine"}, {Data: "panics", ID: "c", Attempts: Ptr(int64(1)), Kind: "mine"},
		{Data: "fine", ID: "a", Kind: "mine"}, {Data: "cancelled", ID: "d", Kind: "mine"},
	}
	must[*QueuesAddAnswer](t)(c.Queues.Add(ctx, "go-worked", NewTask{Data: "not mine", ID: "e", Kind: "other"}))
	must[*QueuesAddManyAnswer](t)(c.Queues.AddMany(ctx, "go-worked", QueuesAddManyBody{Tasks: tasks}))
	var handled sync.WaitGroup
	handled.Add(len(tasks))
	go func() { handled.Wait(); stop() }()
	lost := make(chan error, 1)
	err := c.Work(ctx, "go-worked", func(ctx context.Context, delivery *Delivery) (any, error) {
		defer handled.Done()
		switch string(delivery.Data) {
		case `"not mine"`:
			t.Error("was given a task of another kind")
		case `"wrong"`:
			return nil, NonRetryable(errors.New("it is wrong"))
		case `"panics"`:
			panic("no cat")
		case `"cancelled"`:
			if err := c.Queues.Cancel(context.Background(), "go-worked", "d", QueuesCancelBody{Reason: "enough"}); err != nil {
				return nil, err
			}
			<-ctx.Done()
			lost <- delivery.validity.err()
			return "too late", nil
		}
		if err := delivery.Progress(ctx, 0.5); err != nil {
			return nil, err
		}
		return map[string]int64{"token": delivery.Token}, nil
	}, WorkOptions{Concurrency: 2, Kinds: []string{"mine"}, Lease: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for id, state := range map[string]string{"a": "completed", "b": "dead", "c": "dead", "d": "cancelled"} {
		ended := must[*Task](t)(c.Queues.Get(limited(t), "go-worked", id, nil))
		if ended.State != state {
			t.Fatalf("%s is %s: %+v", id, ended.State, ended)
		}
	}
	var reason *LostError
	if err := <-lost; !errors.As(err, &reason) {
		t.Fatalf("got %v", err)
	}
	task := must[*Task](t)(c.Queues.Get(limited(t), "go-worked", "a", nil))
	var result struct{ Token int64 }
	if err := json.Unmarshal(task.Result, &result); err != nil || result.Token == 0 {
		t.Fatalf("got %s, %v", task.Result, err)
	}
}

func TestLease(t *testing.T) {
	c, ctx := client(t), limited(t)
	first := must[*HeldLease](t)(c.Lease(ctx, "go:1", LeaseOptions{TTL: 6 * time.Second}))
	_, err := c.Lease(ctx, "go:1", LeaseOptions{})
	if statusOf(err) != 409 {
		t.Fatalf("got %v", err)
	}
	waiting := make(chan *HeldLease)
	go func() {
		second, _ := c.Lease(ctx, "go:1", LeaseOptions{Wait: Forever})
		waiting <- second
	}()
	for must[*Lock](t)(c.Locks.Inspect(ctx, "go:1")).Waiting == 0 {
		time.Sleep(10 * time.Millisecond) // there is nothing to wait for but its answer
	}
	if first.Err() != nil || first.Left() == 0 {
		t.Fatalf("got %v", first.Err())
	}
	must[*QueuesAddAnswer](t)(c.Queues.Add(ctx, "held", NewTask{Data: 1, Holder: first.Holder()}))
	first.Release()
	<-first.Context().Done()
	second := <-waiting
	if second == nil || second.Token <= first.Token {
		t.Fatalf("got %+v after %+v", second, first)
	}
	must[*QueuesAddAnswer](t)(c.Queues.Add(ctx, "held", NewTask{Data: 2, Holder: second.Holder()}))
	if _, err := c.Queues.Add(ctx, "held", NewTask{Data: 3, Holder: first.Holder()}); statusOf(err) != 412 {
		t.Fatalf("got %v", err)
	}
	// Whoever breaks it ends its context with the next extension.
	if err := c.Locks.Break(ctx, "go:1"); err != nil {
		t.Fatal(err)
	}
	<-second.Context().Done()
	var lost *LostError
	if !errors.As(second.Err(), &lost) {
		t.Fatalf("got %v", second.Err())
	}
	second.Release()

	own, cancel := context.WithCancel(ctx)
	third := must[*HeldLease](t)(c.Lease(own, "go:1", LeaseOptions{Others: []string{"go:2"}}))
	if len(third.Others) != 1 || third.Others[0].Resource != "go:2" {
		t.Fatalf("got %+v", third)
	}
	cancel()
	<-third.Context().Done()
	third.Release() // gives it back although its context has ended
	must[*HeldLease](t)(c.Lease(ctx, "go:2", LeaseOptions{})).Release()
}

func TestStream(t *testing.T) {
	c, ctx := client(t), limited(t)
	must[*QueuesAddAnswer](t)(c.Queues.Add(ctx, "go-streamed", NewTask{Data: 1}))
	stream := must[*Stream](t)(c.Queues.Events(ctx, "go-streamed", nil))
	defer stream.Close()
	begun := make(chan struct{})
	go func() { // until the stream has begun, which shows what happens from then on
		for {
			added, err := c.Queues.Add(ctx, "go-streamed", NewTask{Data: 1})
			if err != nil || c.Queues.Cancel(ctx, "go-streamed", added.ID, QueuesCancelBody{}) != nil {
				return
			}
			select {
			case <-begun:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	event := must[StreamEvent](t)(stream.Next())
	close(begun)
	if event.Event != "cancelled" || event.ID == "" {
		t.Fatalf("got %+v", event)
	}
	stream.disconnect() // as when a connection breaks
	must[*QueuesAddAnswer](t)(c.Queues.Add(ctx, "go-streamed", NewTask{Data: 1, ID: "last"}))
	if err := c.Queues.Cancel(ctx, "go-streamed", "last", QueuesCancelBody{}); err != nil {
		t.Fatal(err)
	}
	for {
		next := must[StreamEvent](t)(stream.Next())
		if next.ID == event.ID {
			t.Fatal("an event came twice")
		}
		var data struct{ ID string }
		if json.Unmarshal(next.Data, &data) == nil && data.ID == "last" {
			break
		}
	}
	if _, err := c.Queues.Events(ctx, "nowhere", nil); statusOf(err) != 404 {
		t.Fatalf("got %v", err)
	}
	stream.Close()
	if _, err := stream.Next(); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestProblems(t *testing.T) {
	c, ctx := client(t), limited(t)
	_, err := c.Queues.Add(ctx, "go", NewTask{Data: 1, Priority: Ptr(int64(99))})
	var problem *ProblemError
	if !errors.As(err, &problem) || problem.Status != 400 || problem.Code != "HOLDFAST_MISUSE" || problem.Errors[0].Field != "body.priority" {
		t.Fatalf("got %v", err)
	}
	without := must[*Client](t)(New(Options{URL: os.Getenv("HOLDFAST_URL")}))
	if _, err := without.Queues.List(ctx, nil); statusOf(err) != 401 {
		t.Fatalf("got %v", err)
	}
	if err := without.Work(ctx, "go", nil, WorkOptions{}); statusOf(err) != 401 {
		t.Fatalf("got %v", err)
	}
	nobody := must[*Client](t)(New(Options{URL: "http://127.0.0.1:1"}))
	if _, err := nobody.Queues.List(ctx, nil); !isUnreachable(err) {
		t.Fatalf("got %v", err)
	}
	if _, err := New(Options{URL: "holdfast.internal:7400"}); err == nil {
		t.Fatal("an address without a scheme is no URL")
	}
	if _, err := must[*Client](t)(New(Options{URL: "http://127.0.0.1:1", Key: func() (string, error) { return "", io.EOF }})).Queues.List(ctx, nil); !errors.Is(err, io.EOF) {
		t.Fatalf("got %v", err)
	}
}

func ExampleClient() {
	url, key := os.Getenv("HOLDFAST_URL"), os.Getenv("HOLDFAST_KEY")
	ctx := context.Background()
	client, err := New(Options{URL: url, Key: StaticKey(key)})
	if err != nil {
		panic(err)
	}
	lease, err := client.Lease(ctx, "account:42", LeaseOptions{Wait: time.Minute})
	if err != nil {
		panic(err)
	}
	defer lease.Release()
	fmt.Println(lease.Resource, lease.Token > 0, lease.Context().Err())
	// Output: account:42 true <nil>
}
