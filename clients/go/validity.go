package holdfast

import (
	"context"
	"sync"
	"time"
)

// validity is for how long something is certainly ours, by our own clock. It counts from when a request was sent, so a slow
// answer only shortens it. Its context ends when that is over, however slowly answers come.
type validity struct {
	ctx    context.Context
	cancel context.CancelFunc
	what   string
	mutex  sync.Mutex
	until  time.Time
	timer  *time.Timer
	reason error
}

// Our clock lags and runs ahead of the server's by less.
const drift = 0.99

func newValidity(ctx context.Context, what string, sent time.Time, validFor, waited int64) *validity {
	own, cancel := context.WithCancel(ctx)
	v := &validity{ctx: own, cancel: cancel, what: what}
	v.timer = time.AfterFunc(time.Hour, func() { v.end("was not renewed in time") })
	v.renew(sent, validFor, waited)
	return v
}

// renew takes what an answer says; what has ended stays so.
func (v *validity) renew(sent time.Time, validFor, waited int64) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	until := sent.Add(time.Duration(float64(waited)*drift)*time.Millisecond + time.Duration(validFor)*time.Millisecond)
	if v.reason != nil || until.Before(v.until) {
		return
	}
	v.until = until
	v.timer.Reset(time.Until(until))
}

// end says why, as a message goes on. The first reason stays.
func (v *validity) end(why string) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.timer.Stop()
	if v.reason == nil {
		v.reason = &LostError{Reason: v.what + " " + why}
	}
	v.cancel()
}

func (v *validity) left() time.Duration {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if left := time.Until(v.until); v.reason == nil && left > 0 && v.ctx.Err() == nil {
		return left
	}
	return 0
}

// err says why it is over; nil while it is not.
func (v *validity) err() error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.reason != nil {
		return v.reason
	}
	return v.ctx.Err()
}

// lost tells whether it was lost, which is more than that its context has ended.
func (v *validity) lost() bool {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.reason != nil
}
