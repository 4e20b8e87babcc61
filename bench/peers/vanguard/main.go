// Command vanguard is vanguard-go as its guide sets it up in front of a gRPC service elsewhere: its transcoder around a
// reverse proxy that speaks HTTP/2 without TLS. It passes one call through, and cannot merge or select.
package main

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"

	"connectrpc.com/vanguard"

	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
)

func main() {
	listen, services := peer.ListenFlag(), peer.ServiceFlags()
	peer.Main(func(ctx context.Context) error {
		transcoder, err := newTranscoder(services.Order)
		if err != nil {
			return err
		}
		return peer.ServeHTTP(ctx, *listen, peer.NewHTTPServer(transcoder))
	})
}

func newTranscoder(service string) (*vanguard.Transcoder, error) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	target := &url.URL{Scheme: "http", Host: service}
	forward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
	}
	return vanguard.NewTranscoder([]*vanguard.Service{vanguard.NewService(
		benchv1.Bench_ServiceDesc.ServiceName, forward,
		vanguard.WithTargetProtocols(vanguard.ProtocolGRPC),
		vanguard.WithTargetCodecs(vanguard.CodecProto),
		vanguard.WithNoTargetCompression(),
	)})
}
