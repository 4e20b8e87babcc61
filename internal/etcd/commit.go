package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// etcd counts, for each operation of a transaction, those of its level together with those of the levels above it,
// and takes 128 (its --max-txn-ops, unless set). With two levels the most fit if each holds half of that. One is left
// over, so that an operation may itself be a transaction of one condition and one operation.
const (
	maxOps    = 128 - 1
	maxGroups = maxOps / 2
	maxGroup  = maxOps - maxGroups
	maxNested = maxGroups * maxGroup
)

// ErrTooLarge is that of a transaction that etcd cannot take in one piece. Nothing of it was done.
var ErrTooLarge = errors.New("too large for one transaction of etcd")

// Commit does all operations in one transaction, or none if one of the conditions does not hold; it then returns
// false. The revision is etcd's after the transaction. Two operations may not be on the same key. An
// operation may be a transaction of one condition and one operation. Any error but ErrTooLarge leaves open whether
// the transaction was done.
func Commit(ctx context.Context, client *clientv3.Client, conditions []clientv3.Cmp, operations []clientv3.Op) (revision int64, committed bool, err error) {
	if len(operations) > maxNested {
		return 0, false, fmt.Errorf("%w: it would change %d keys, %d more than etcd can in one; use fewer documents, such as one descriptor set for many .proto files",
			ErrTooLarge, len(operations), len(operations)-maxNested)
	}
	response, err := client.Txn(ctx).If(conditions...).Then(nest(operations)...).Commit()
	switch {
	case err == nil:
		return response.Header.Revision, response.Succeeded, nil
	case errors.Is(err, rpctypes.ErrRequestTooLarge) || status.Code(err) == codes.ResourceExhausted && strings.Contains(err.Error(), "message larger than max"):
		return 0, false, tooManyBytes(operations, err)
	default:
		return 0, false, err
	}
}

// nest puts operations into transactions within the transaction, if they are too many for one level.
func nest(operations []clientv3.Op) []clientv3.Op {
	if len(operations) <= maxOps {
		return operations
	}
	var groups []clientv3.Op
	for group := range slices.Chunk(operations, maxGroup) {
		groups = append(groups, clientv3.OpTxn(nil, group, nil))
	}
	return groups
}

// maxRequest is how large a request etcd takes unless its --max-request-bytes says otherwise, which a client cannot
// ask for.
const maxRequest = 3 << 19 // 1.5 MiB

// tooManyBytes tells how large operations are, and which the largest is.
func tooManyBytes(operations []clientv3.Op, err error) error {
	total, largest := 0, clientv3.Op{}
	for _, operation := range operations {
		total += len(operation.KeyBytes()) + len(operation.ValueBytes())
		if len(operation.ValueBytes()) > len(largest.ValueBytes()) {
			largest = operation
		}
	}
	return fmt.Errorf("%w: it has %d bytes; etcd takes %d unless its --max-request-bytes says otherwise; the largest of its %d keys is %s with %d bytes; "+
		"make documents smaller, change fewer at a time, or raise that flag on every member (etcd: %w)",
		ErrTooLarge, total, maxRequest, len(operations), largest.KeyBytes(), len(largest.ValueBytes()), err)
}
