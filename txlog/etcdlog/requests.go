package etcdlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xapg/xapg/txlog"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// attempts is how often a request is tried at least within the time that it has: a
// member that is frozen costs one of them, and is then left alone.
const attempts = 4

// pauses are made between attempts that fail at once.
const (
	firstPause = 10 * time.Millisecond
	maxPause   = 300 * time.Millisecond
)

// code is the gRPC code of an error, as members or the client give it.
func code(err error) codes.Code {
	var e rpctypes.EtcdError
	switch {
	case errors.As(err, &e):
		return e.Code()
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	}
	return status.Code(err)
}

// refused tells that a member has answered, or the client by itself, and that the
// request was not and will not be carried out. That there is no room is no such
// answer: etcd says so also of what it has just stored.
func refused(err error) bool {
	var gone *txlog.DamagedError
	var answered *answeredError
	if errors.As(err, &gone) {
		return !errors.As(err, &answered)
	}
	switch code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition,
		codes.NotFound, codes.OutOfRange, codes.Unimplemented:
		return true
	}
	return errors.Is(err, rpctypes.ErrNoLeader) || errors.Is(err, rpctypes.ErrTooManyRequests)
}

// noRoom tells that etcd's quota is used up. The request was answered, and it may
// have been carried out.
func noRoom(err error) bool { return errors.Is(err, rpctypes.ErrNoSpace) }

// passing tells that an answer may be another one soon, or at another member.
func passing(err error) bool {
	var answered *answeredError
	switch {
	case errors.As(err, &answered):
		return false
	case errors.Is(err, rpctypes.ErrNoLeader), errors.Is(err, rpctypes.ErrTooManyRequests),
		errors.Is(err, rpctypes.ErrInvalidAuthToken), errors.Is(err, rpctypes.ErrAuthOldRevision):
		return true
	}
	return !refused(err) && !noRoom(err)
}

// outcome is what became of a request that was tried several times.
type outcome struct {
	err      error // of the last attempt; nil when it was answered
	unknown  bool  // an attempt was not answered, and may yet be carried out
	attempts int
}

// try asks until there is an answer, at most for as long as requests have. It may be
// asked several times, by different members. The members are told to refuse at once
// when they have no leader: another one may be on the right side.
func (l *Log) try(ctx context.Context, request func(context.Context, *clientv3.Client) error) (o outcome) {
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), l.wait)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		client, member, err := l.to.client()
		sent := err == nil
		if sent {
			one, cancel := context.WithTimeout(ctx, l.wait/attempts)
			err = request(one, client)
			cancel()
		}
		if err == nil {
			o.err = nil
			return o
		}
		if o.err == nil || code(err) != codes.DeadlineExceeded { // which says less than what was before
			o.err = err
		}
		o.attempts++
		o.unknown = o.unknown || sent && !refused(err) && !noRoom(err)
		if !passing(err) {
			return o
		}
		l.to.leave(member)
		if !sleep(ctx, pause) {
			return o
		}
	}
}

// ask is try for requests of which it does not matter whether they were carried out
// several times.
func (l *Log) ask(ctx context.Context, request func(context.Context, *clientv3.Client) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := l.try(ctx, request).err
	if ended := ctx.Err(); err != nil && ended != nil {
		return ended
	}
	return err
}

// txn asks for a transaction on condition that the log is the one that was opened.
// Answers holds an answer for each operation, or, if the further conditions do not
// hold, for each of otherwise, and then held is false.
func (l *Log) txn(ctx context.Context, further []clientv3.Cmp, then, otherwise []clientv3.Op) (answers answers, held bool, err error) {
	err = l.ask(ctx, func(ctx context.Context, client *clientv3.Client) error {
		answers, held, err = l.txnOnce(ctx, client, further, then, otherwise)
		return err
	})
	return answers, held, err
}

// txnOnce is one attempt of txn.
func (l *Log) txnOnce(ctx context.Context, client *clientv3.Client, further []clientv3.Cmp, then, otherwise []clientv3.Op) (answers, bool, error) {
	if l.history.broken.Load() {
		return answers{}, false, l.brokenError()
	}
	known := l.history.highest.Load()
	ifs := append(append([]clientv3.Cmp{}, l.guards...), further...)
	// When a condition does not hold, it makes a difference which one it was. What
	// only reads must not hold another transaction: etcd would send it through its log.
	reasons := []clientv3.Op{clientv3.OpGet(l.key.lost())}
	if len(further) > 0 {
		reasons = append(reasons, clientv3.OpTxn(l.guards, nil, nil))
	}
	response, err := client.Txn(ctx).If(ifs...).Then(then...).Else(append(reasons, otherwise...)...).Commit()
	if err != nil {
		return answers{}, false, err
	}
	if l.history.cluster == 0 { // the opening's first answer, which nobody else waits for
		l.history.cluster = response.Header.ClusterId
	}
	if !l.history.goesOn(response.Header, known) {
		return answers{}, false, &answeredError{l.breaks(client)}
	}
	a := answers{revision: response.Header.Revision, list: response.Responses}
	if response.Succeeded {
		return a, true, nil
	}
	switch {
	case a.entry(0) != nil:
		return a, false, l.brokenError()
	case len(further) == 0 || !a.list[1].GetResponseTxn().Succeeded:
		return a, false, l.gone()
	}
	a.list = a.list[len(reasons):]
	return a, false, nil
}

// answeredError comes with an answer that is not to be believed: the request may have
// been carried out, wherever that was.
type answeredError struct{ error }

func (e *answeredError) Unwrap() error { return e.error }

// gone says that this is not the log any more that was opened.
func (l *Log) gone() error {
	return &txlog.DamagedError{Log: l.where, Err: errors.New("it is not the one any more that this process has opened"),
		Advice: "its keys were deleted, or the cluster was restored from a snapshot; stop every process that uses it, see what is " +
			"still prepared on the shards (xapg txns), and see the documentation on a lost log"}
}

// damaged says that a key's value cannot be what this package has put there.
func (l *Log) damaged(key []byte, err error) error {
	return &txlog.DamagedError{Log: l.where, Err: fmt.Errorf("key %q: %w", key, err),
		Advice: "somebody else has written under the log's prefix; stop every process that uses it, and restore the key, or see the documentation on a lost log"}
}

// explain says what an error means for the log and what to do about it.
func (l *Log) explain(doing string, err error) error {
	var foreign *txlog.ForeignError
	var broken *txlog.DamagedError
	var sealed *txlog.SealedError
	if err == nil || errors.As(err, &foreign) || errors.As(err, &broken) || errors.As(err, &sealed) || errors.Is(err, txlog.ErrClosed) {
		return err
	}
	advice := ""
	switch c := code(err); {
	case noRoom(err):
		advice = "etcd's database is full; compact and defragment it (etcdctl compact, defrag), or raise --quota-backend-bytes, and then etcdctl alarm disarm: "
	case c == codes.PermissionDenied:
		advice = "the user may not read and write all keys under the prefix; etcdctl role grant-permission ROLE --prefix=true readwrite PREFIX/: "
	case c == codes.Unauthenticated || errors.Is(err, rpctypes.ErrAuthFailed) || errors.Is(err, rpctypes.ErrUserEmpty):
		advice = "etcd does not know who asks; look at user and password: "
	case c == codes.Unavailable || c == codes.DeadlineExceeded:
		advice = "no answer; most of the cluster's members must run and reach each other, and one of those named in the URL be reached from here: "
	}
	return fmt.Errorf("etcdlog: %s the decision log %s: %s%w", doing, l.where, advice, err)
}

func notStored(cause error) error { return fmt.Errorf("%w: %w", txlog.ErrNotStored, cause) }

// sleep waits, and tells whether it was for all the time.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
