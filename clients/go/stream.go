package holdfast

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// StreamEvent is one event of a stream.
type StreamEvent struct {
	// ID is what the stream goes on after.
	ID string
	// Event is its kind; "message" if the server names none.
	Event string
	// Data is JSON.
	Data json.RawMessage
}

// Stream of server-sent events. When its connection breaks it goes on after the last event that was read. Close it.
type Stream struct {
	ctx      context.Context
	cancel   context.CancelFunc
	t        *transport
	asked    request
	options  []CallOption
	response *http.Response
	lines    *bufio.Reader
	last     string
	wait     time.Duration
}

// stream begins a stream; what keeps it from beginning is returned.
func (t *transport) stream(ctx context.Context, asked request, options []CallOption) (*Stream, error) {
	own, cancel := context.WithCancel(ctx)
	s := &Stream{ctx: own, cancel: cancel, t: t, asked: asked, options: options, wait: 2 * time.Second}
	if err := s.connect(); err != nil {
		cancel()
		return nil, err
	}
	return s, nil
}

// Next waits for the next event. It returns io.EOF at the end of the stream, and a *ProblemError where the server refuses to go
// on.
func (s *Stream) Next() (StreamEvent, error) {
	for {
		event, err := s.read()
		if err == nil {
			return event, nil
		}
		if s.ctx.Err() != nil {
			return StreamEvent{}, s.ctx.Err()
		}
		status := statusOf(err)
		if err == io.EOF || (status != 0 && status != http.StatusTooManyRequests && status < 500) {
			return StreamEvent{}, err
		}
		s.disconnect()
		pause(s.ctx, s.wait)
		_ = s.connect() // what is wrong is found by reading
	}
}

// Close ends the stream.
func (s *Stream) Close() {
	s.cancel()
	s.disconnect()
}

func (s *Stream) connect() error {
	options := s.options
	if s.last != "" {
		options = append(append([]CallOption{}, options...), func(sent *http.Request) {
			sent.Header.Set("Last-Event-ID", s.last)
		})
	}
	response, err := s.t.send(s.ctx, s.asked, "text/event-stream", options)
	if err != nil {
		s.response, s.lines = nil, nil
		return err
	}
	s.response, s.lines = response, bufio.NewReader(response.Body)
	return nil
}

func (s *Stream) disconnect() {
	if s.response != nil {
		s.response.Body.Close()
	}
	s.response, s.lines = nil, nil
}

// read returns io.EOF at the end that the server has announced, and another error where the connection broke.
func (s *Stream) read() (StreamEvent, error) {
	if s.lines == nil {
		if err := s.connect(); err != nil {
			return StreamEvent{}, err
		}
	}
	if s.response.StatusCode == http.StatusNoContent {
		return StreamEvent{}, io.EOF
	}
	for {
		fields, err := s.block()
		if err != nil {
			return StreamEvent{}, &UnreachableError{Host: s.t.host, Err: err}
		}
		if wait, err := strconv.Atoi(fields["retry"]); err == nil {
			s.wait = time.Duration(wait) * time.Millisecond
		}
		data, has := fields["data"]
		if !has {
			continue
		}
		event := StreamEvent{ID: fields["id"], Event: fields["event"], Data: json.RawMessage(data)}
		if event.ID != "" {
			s.last = event.ID
		}
		switch event.Event {
		case "end":
			return event, io.EOF
		case "problem":
			return event, problemOf(0, event.Data)
		case "":
			event.Event = "message"
		}
		return event, nil
	}
}

// block reads the lines up to an empty one.
func (s *Stream) block() (map[string]string, error) {
	fields := map[string]string{}
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			return fields, nil
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		if earlier, has := fields[name]; has && name == "data" {
			value = earlier + "\n" + value
		}
		fields[name] = value
	}
}
