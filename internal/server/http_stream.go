package server

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"facet/internal/gateway"
)

// heartbeat is after how long without a message a client and the proxies before it are told that the stream lives.
const heartbeat = 15 * time.Second

// eventStream is a reply of HTTP/JSON that lasts. Every message has an envelope, and so has the last piece, which
// says how the stream ended; a stream without it was cut off. As NDJSON:
//
//	{"result":{...}}
//	{"error":{"code":503,...}}  or  {"end":{}}
//
// An envelope, because a message may have fields of any names. As server-sent events, the messages are events
// without a name, and the last one is named:
//
//	data: {...}
//
//	event: end
//	data: {}
type eventStream struct {
	out   streamWriter
	added gateway.Header
	form  *streamForm

	mu    sync.Mutex // of what follows: the heart beats while messages are sent
	begun bool
	ended bool
	pulse *time.Timer
	piece []byte
}

// streamForm is how the pieces of a stream are written.
type streamForm struct {
	media                 string
	message, failure, end string // what comes before the JSON of each
	after                 string // the JSON
	beat                  string
}

var (
	linesForm = &streamForm{
		media:   "application/x-ndjson",
		message: `{"result":`, failure: `{"error":`, end: `{"end":`, after: "}\n", beat: "\n",
	}
	eventsForm = &streamForm{
		media:   "text/event-stream",
		message: "data: ", failure: "event: error\ndata: ", end: "event: end\ndata: ", after: "\n\n", beat: ":\n\n",
	}
)

// startEventStream starts the heart of a stream. Its header goes out with the first piece.
func startEventStream(w http.ResponseWriter, r *http.Request, added gateway.Header) *eventStream {
	s := &eventStream{out: streamWriter{w}, added: added, form: linesForm}
	if accepts(r.Header, eventsForm.media) {
		s.form = eventsForm
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulse = time.AfterFunc(heartbeat, s.beat)
	return s
}

// send writes a message.
func (s *eventStream) send(message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(s.form.message, message)
}

// beat writes that the stream lives.
func (s *eventStream) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.piece = append(s.piece[:0], s.form.beat...)
	_ = s.flush() // a client that has left ends the request's context
}

// end writes how the stream ended. It tells false if nothing has been written before and the stream failed: the answer
// is then an error like any other.
func (s *eventStream) end(err error, partial string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.pulse.Stop()
	if err != nil && !s.begun {
		return false
	}
	prefix, summary := s.form.end, any(struct {
		Partial string `json:"partial,omitempty"`
	}{partial})
	if err != nil {
		prefix, summary = s.form.failure, failureOf(err)
	}
	text, err := json.Marshal(summary)
	if err != nil {
		text = []byte(notRendered)
	}
	_ = s.write(prefix, text) // it fails if the client has left: there is nobody to tell
	return true
}

// write writes a piece. The lock is held.
func (s *eventStream) write(prefix string, text []byte) error {
	s.piece = append(s.piece[:0], prefix...)
	s.piece = append(s.piece, text...)
	s.piece = append(s.piece, s.form.after...)
	return s.flush()
}

// flush makes the piece leave, and the heart wait anew. The lock is held.
func (s *eventStream) flush() error {
	if !s.begun {
		s.begun = true
		s.begin()
	}
	if !s.ended {
		s.pulse.Reset(heartbeat)
	}
	return s.out.write(s.piece)
}

// begin fills the header. Nothing between us and the client may keep pieces back.
func (s *eventStream) begin() {
	header := s.out.w.Header()
	addHeader(header, s.added)
	header.Set("Content-Type", s.form.media)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx
	header.Set("X-Content-Type-Options", "nosniff")
	expose(header, s.added)
}
