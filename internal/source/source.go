// Package source finds documents: in directories.
package source
