package upstream

import (
	"bytes"
	"testing"
)

// The connection's writer may still read a request when its call has returned, and the caller may have written
// other bytes in its place by then.
func TestMarshalDoesNotShareTheRequest(t *testing.T) {
	for _, size := range []int{1, 1000, 5000, 2 << 20} {
		request := bytes.Repeat([]byte{1}, size)
		sent, err := rawCodec{}.Marshal(&exchange{request: request})
		if err != nil {
			t.Fatal(err)
		}
		clear(request)
		if got := sent.Materialize(); !bytes.Equal(got, bytes.Repeat([]byte{1}, size)) {
			t.Errorf("%d bytes: what is sent has changed with the request", size)
		}
		sent.Free()
	}
}
