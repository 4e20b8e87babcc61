package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// etcd refuses a transaction in which the operations of a level, together with those of the levels above it, are more
// than maxOps (its --max-txn-ops, unless set). Two levels of half as many each hold the most.
const (
	maxOps    = 128
	maxGroups = maxOps / 2
	maxNested = maxGroups * (maxOps - maxGroups)
)

// ErrTooLarge is that of a transaction that etcd cannot take in one piece. Nothing of it was done.
var ErrTooLarge = errors.New("too large for one transaction of etcd")

// Commit does all operations, or none if one of the conditions does not hold; it then returns false. The revision is
// etcd's after the transaction. An operation on a key excludes any other on it. An error other than ErrTooLarge
// leaves open whether the transaction was done.
func Commit(ctx context.Context, client *clientv3.Client, conditions []clientv3.Cmp, operations []clientv3.Op) (revision int64, committed bool, err error) {
	if len(conditions) > maxOps || len(operations) > maxNested {
		return 0, false, fmt.Errorf("%w: %d operations on %d conditions; it takes %d on %d", ErrTooLarge, len(operations), len(conditions), maxNested, maxOps)
	}
	response, err := client.Txn(ctx).If(conditions...).Then(nest(operations)...).Commit()
	if err != nil {
		return 0, false, explainCommit(err, operations)
	}
	return response.Header.Revision, response.Succeeded, nil
}

// nest groups operations, if they are too many for one level.
func nest(operations []clientv3.Op) []clientv3.Op {
	return operations
}

func explainCommit(err error, operations []clientv3.Op) error {
	if !errors.Is(err, rpctypes.ErrRequestTooLarge) && status.Code(err) != codes.ResourceExhausted {
		return err
	}
	return fmt.Errorf("%w: %d operations: %w", ErrTooLarge, len(operations), err)
}
