package history

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// CanaryRevision tells the canary that runs from any other, for less than it takes to read it: it is the revision of etcd at
// which it was staged, 0 if none runs.
func (s *Store) CanaryRevision(ctx context.Context) (int64, error) {
	found, err := s.client.Get(ctx, s.layout.CanarySettings(), clientv3.WithKeysOnly())
	if err != nil {
		return 0, fmt.Errorf("look for a canary: %w", err)
	}
	if len(found.Kvs) == 0 {
		return 0, nil
	}
	return found.Kvs[0].ModRevision, nil
}
