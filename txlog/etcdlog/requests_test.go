package etcdlog

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/xapg/xapg/txlog"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Only what was answered by a refusal is known not to be stored.
func TestErrorsAreToldApart(t *testing.T) {
	gone := &txlog.DamagedError{Err: errors.New("gone")}
	for _, r := range []struct {
		err              error
		refused, passing bool
	}{
		{context.DeadlineExceeded, false, true},
		{context.Canceled, false, true},
		{errors.New("something"), false, true},
		{status.Error(codes.Unavailable, "connection refused"), false, true},
		{status.Error(codes.Unavailable, "transport is closing"), false, true},
		{status.Error(codes.Internal, "stream terminated"), false, true},
		{status.Error(codes.Unknown, "raft proposal dropped"), false, true},
		{status.Error(codes.ResourceExhausted, "message larger than max"), false, true},
		{rpctypes.ErrTimeout, false, true},
		{rpctypes.ErrTimeoutDueToLeaderFail, false, true},
		{rpctypes.ErrTimeoutDueToConnectionLost, false, true},
		{rpctypes.ErrLeaderChanged, false, true},
		{rpctypes.ErrStopped, false, true},
		{rpctypes.ErrCorrupt, false, true},
		{rpctypes.ErrNoSpace, false, false}, // etcd says so also of what it has just stored
		{rpctypes.ErrNoLeader, true, true},
		{rpctypes.ErrTooManyRequests, true, true},
		{rpctypes.ErrInvalidAuthToken, true, true},
		{rpctypes.ErrAuthOldRevision, true, true},
		{rpctypes.ErrPermissionDenied, true, false},
		{rpctypes.ErrRequestTooLarge, true, false},
		{rpctypes.ErrTooManyOps, true, false},
		{rpctypes.ErrDuplicateKey, true, false},
		{status.Error(codes.Unimplemented, "unknown service"), true, false},
		{gone, true, false},
		{&answeredError{gone}, false, false},
		{fmt.Errorf("more: %w", &answeredError{gone}), false, false},
	} {
		assert.Equal(t, r.refused, refused(r.err), "%v is a refusal", r.err)
		assert.Equal(t, r.passing, passing(r.err), "%v may pass", r.err)
	}
}
