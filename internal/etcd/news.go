package etcd

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/go-kratos/kratos/v2/config"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// news tells what is worth a report after what was reported before.
type news struct {
	reported []*config.KeyValue // the last set
	failure  codes.Code         // of the error reported since; OK if there is none
}

// differs tells whether values are to be reported, and takes it that they are: the first ones, those that differ,
// and any that come after an error, which is over with them.
func (n *news) differs(values []*config.KeyValue) bool {
	if n.failure == codes.OK && equal(values, n.reported) {
		return false
	}
	n.reported, n.failure = values, codes.OK
	return true
}

// fails tells whether an error is to be reported, and takes it that it is: the first of its kind.
func (n *news) fails(err error) bool {
	kind := kindOf(err)
	if n.failure == kind {
		return false
	}
	n.failure = kind
	return true
}

// kindOf tells errors apart that call for different measures. What etcd is like while it is away, slow or without
// a leader changes by the second, and is one kind.
func kindOf(err error) codes.Code {
	known := rpctypes.EtcdError{}
	switch {
	case errors.Is(err, ErrNoDocuments):
		return codes.NotFound
	case errors.Is(err, context.DeadlineExceeded):
		return codes.Unavailable
	case errors.As(err, &known):
		return known.Code()
	}
	if code := status.Code(err); code != codes.Unknown && code != codes.DeadlineExceeded {
		return code
	}
	return codes.Unavailable
}

// equal tells whether two sets have the same names and contents.
func equal(a, b []*config.KeyValue) bool {
	return slices.EqualFunc(a, b, func(a, b *config.KeyValue) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) })
}
