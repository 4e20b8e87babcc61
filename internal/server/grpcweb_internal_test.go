package server

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func compressed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const readLimit = 30

// read reads a request's message, of at most readLimit bytes.
func read(body io.Reader, text bool, encoding string) (string, error) {
	var f frameReader
	f.open(body, text, encoding)
	message, err := f.one(readLimit)
	return string(message), err
}

func TestFrames(t *testing.T) {
	t.Parallel()
	zipped := compressed(t, "abc")
	most := strings.Repeat("x", readLimit)
	framed := "\x01\x00\x00\x00" + string(rune(len(zipped))) + zipped
	for name, test := range map[string]struct {
		body, encoding string
		want           string
		code           codes.Code
	}{
		"a message":            {"\x00\x00\x00\x00\x03abc", "", "abc", codes.OK},
		"an empty one":         {"\x00\x00\x00\x00\x00", "", "", codes.OK},
		"at the limit":         {"\x00\x00\x00\x00\x1e" + most, "", most, codes.OK},
		"over it":              {"\x00\x00\x00\x00\x1f" + most + "x", "", "", codes.ResourceExhausted},
		"far over it":          {"\x00\xff\xff\xff\xff", "", "", codes.ResourceExhausted},
		"none":                 {"", "", "", codes.Unimplemented},
		"two":                  {"\x00\x00\x00\x00\x03abc\x00\x00\x00\x00\x00", "", "", codes.Unimplemented},
		"cut in the head":      {"\x00\x00\x00", "", "", codes.InvalidArgument},
		"cut in the message":   {"\x00\x00\x00\x00\x03ab", "", "", codes.InvalidArgument},
		"without the message":  {"\x00\x00\x00\x00\x03", "", "", codes.InvalidArgument},
		"a trailer":            {"\x80\x00\x00\x00\x00", "", "", codes.Internal},
		"compressed":           {framed, "gzip", "abc", codes.OK},
		"compressed, no name":  {framed, "", "", codes.Internal},
		"compressed, identity": {framed, "identity", "", codes.Internal},
		"compressed otherwise": {framed, "br", "", codes.Unimplemented},
		"not compressed":       {"\x01\x00\x00\x00\x03abc", "gzip", "", codes.Internal},
		"compressed not":       {"\x00\x00\x00\x00\x03abc", "gzip", "abc", codes.OK},
	} {
		for _, text := range []bool{false, true} {
			body := test.body
			if text {
				body = base64.StdEncoding.EncodeToString([]byte(body))
			}
			got, err := read(iotest.OneByteReader(strings.NewReader(body)), text, test.encoding)
			if webStatus(err).Code() != test.code || err == nil && got != test.want {
				t.Errorf("%s, text %t: got %q %v, want %q %s", name, text, got, err, test.want, test.code)
			}
		}
	}
	bomb := compressed(t, strings.Repeat("x", 1<<20))
	head := binary.BigEndian.AppendUint32([]byte{flagCompressed}, uint32(len(bomb)))
	var f frameReader
	f.open(strings.NewReader(string(head)+bomb), false, "gzip")
	if _, err := f.one(2000); webStatus(err).Code() != codes.ResourceExhausted || f.inflated.Cap() > 1<<16 {
		t.Errorf("a message that inflates: got %v, and a buffer of %d bytes", err, f.inflated.Cap())
	}
}

// A client may encode each piece of a body by itself.
func TestPaddedText(t *testing.T) {
	t.Parallel()
	encode := base64.StdEncoding.EncodeToString
	for body, want := range map[string]string{
		encode([]byte("\x00\x00\x00\x00\x03abc")):                              "abc",
		encode([]byte("\x00")) + encode([]byte("\x00\x00\x00\x03abc")):         "abc",
		encode([]byte("\x00\x00\x00\x00\x03")) + encode([]byte("abc")):         "abc",
		encode([]byte("\x00\x00\x00\x00\x03")) + encode([]byte("ab")) + "Yw==": "abc",
	} {
		if got, err := read(strings.NewReader(body), true, ""); err != nil || got != want {
			t.Errorf("%s: got %q %v", body, got, err)
		}
	}
	for _, body := range []string{"AAAAAAA", "AAAAAAA*", "AAA AAAA", "=AAA", "AAAAAA=="} {
		if got, err := read(strings.NewReader(body), true, ""); err == nil {
			t.Errorf("%s: got %q, want an error", body, got)
		}
	}
	for _, reader := range []io.Reader{iotest.ErrReader(errors.New("gone")), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("AAAAAAA=")))} {
		if got, err := read(reader, true, ""); status.Code(err) != codes.InvalidArgument {
			t.Errorf("got %q %v, want INVALID_ARGUMENT", got, err)
		}
	}
}

// FuzzFrame holds the reader against one that has the whole body.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x03abc"), false)
	f.Add([]byte("AAAAAANhYmM="), true)
	f.Add([]byte("AAAAAAM=YWJj"), true)
	f.Fuzz(func(t *testing.T, body []byte, text bool) {
		want, ok := body, true
		if text {
			want, ok = wholeText(body)
		}
		ok = ok && len(want) >= 5 && want[0] == 0 && string(want[1:4]) == "\x00\x00\x00" && want[4] <= readLimit && len(want) == 5+int(want[4])
		got, err := read(iotest.OneByteReader(bytes.NewReader(body)), text, "")
		if (err == nil) != ok || ok && got != string(want[5:]) {
			t.Errorf("got %q %v, want %q %t", got, err, want, ok)
		}
	})
}

// wholeText decodes base64, group by group.
func wholeText(body []byte) (decoded []byte, ok bool) {
	if len(body)%4 != 0 {
		return nil, false
	}
	for ; len(body) > 0; body = body[4:] {
		group, err := base64.StdEncoding.DecodeString(string(body[:4]))
		if err != nil {
			return nil, false
		}
		decoded = append(decoded, group...)
	}
	return decoded, true
}
