// Package etcd knows how documents live in etcd: which keys are whose, how a change is made in one transaction
// however many keys it touches, and how changes are seen without losing any.
package etcd
