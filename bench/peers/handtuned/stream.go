package main

import (
	"errors"
	"io"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"

	benchv1 "facet/bench/api/bench/v1"
)

// watchRoom writes each event of a room as a line of JSON, at once. The line that ends the stream says how.
func (b *bff) watchRoom(w http.ResponseWriter, r *http.Request) {
	stream, err := b.pages.WatchRoom(r.Context(), &benchv1.WatchRoomRequest{RoomId: r.PathValue("room_id")})
	if err != nil {
		writeError(w, err)
		return
	}
	event, err := stream.Recv()
	if err != nil && !errors.Is(err, io.EOF) {
		writeError(w, err)
		return
	}
	w.Header()["Content-Type"] = []string{"application/x-ndjson"}
	flusher := http.NewResponseController(w)
	var line []byte
	for ; err == nil; event, err = stream.Recv() {
		line = append(line[:0], `{"result":`...)
		if line, err = (protojson.MarshalOptions{}).MarshalAppend(line, event); err != nil {
			break
		}
		line = append(line, "}\n"...)
		if _, err := w.Write(line); err != nil {
			return // the client has left
		}
		if err := flusher.Flush(); err != nil {
			return
		}
	}
	end := `{"end":{}}` + "\n"
	if !errors.Is(err, io.EOF) {
		end = `{"error":{}}` + "\n"
	}
	_, _ = io.WriteString(w, end) // it fails if the client has left
}
