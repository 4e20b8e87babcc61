package plan

import (
	"bytes"
	"hash/maphash"
)

// keyed is a map from scalars to messages. Zero keys are not kept, and of equal keys the first wins. It is
// reused from run to run, and points into replies.
type keyed struct {
	keys     []value
	elements [][]byte
	// slots is an open-addressing table of positions in keys, plus one; its size is a power of two. It is
	// empty while there are so few keys that they are compared one by one.
	slots []int32
}

const fewKeys = 8

var hashSeed = maphash.MakeSeed()

func (k *keyed) reset() {
	clear(k.keys)
	clear(k.elements)
	k.keys, k.elements, k.slots = k.keys[:0], k.elements[:0], k.slots[:0]
}

// find returns the message under a key.
func (k *keyed) find(key value) ([]byte, bool) {
	if key.zero() {
		return nil, false
	}
	if i, ok := k.position(key); ok {
		return k.elements[i], true
	}
	return nil, false
}

// add adds a message, unless its key is zero or there already.
func (k *keyed) add(key value, element []byte) {
	if key.zero() {
		return
	}
	if _, ok := k.position(key); ok {
		return
	}
	k.keys = append(k.keys, key)
	k.elements = append(k.elements, element)
	switch {
	case len(k.keys) <= fewKeys:
	case len(k.keys)*2 > len(k.slots):
		k.rehash()
	default:
		k.insert(len(k.keys) - 1)
	}
}

func (k *keyed) position(key value) (int, bool) {
	if len(k.slots) == 0 {
		for i := range k.keys {
			if k.keys[i].equal(key) {
				return i, true
			}
		}
		return 0, false
	}
	for slot := k.slot(key); ; slot = (slot + 1) % uint64(len(k.slots)) {
		at := k.slots[slot]
		if at == 0 {
			return 0, false
		}
		if k.keys[at-1].equal(key) {
			return int(at - 1), true
		}
	}
}

func (k *keyed) insert(position int) {
	slot := k.slot(k.keys[position])
	for k.slots[slot] != 0 {
		slot = (slot + 1) % uint64(len(k.slots))
	}
	k.slots[slot] = int32(position + 1)
}

// rehash makes the table four times as large as what is in it.
func (k *keyed) rehash() {
	size := 4 * fewKeys
	for size < 4*len(k.keys) {
		size *= 2
	}
	if cap(k.slots) < size {
		k.slots = make([]int32, size)
	} else {
		k.slots = k.slots[:size]
		clear(k.slots)
	}
	for i := range k.keys {
		k.insert(i)
	}
}

// slot is where a key is looked for first.
func (k *keyed) slot(key value) uint64 {
	var hash uint64
	if key.data != nil {
		hash = maphash.Bytes(hashSeed, key.data)
	} else {
		hash = maphash.Comparable(hashSeed, key.bits)
	}
	return hash & uint64(len(k.slots)-1)
}

func (v value) equal(other value) bool {
	return v.bits == other.bits && bytes.Equal(v.data, other.data)
}
