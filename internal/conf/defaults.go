package conf

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
)

// Default returns the settings of a process without a bootstrap file. It has no documents.
func Default() *Bootstrap {
	settings := new(Bootstrap)
	settings.fillDefaults()
	return settings
}

// DefaultEtcd returns the settings of an etcd of which only where it is, and the application, are to be filled in.
func DefaultEtcd() *Etcd {
	settings := &Bootstrap{Etcd: &Etcd{}}
	settings.fillDefaults()
	return settings.GetEtcd()
}

// fillDefaults sets what is not set to what conf.proto documents.
func (b *Bootstrap) fillDefaults() {
	fill(&b.Server, &Server{})
	fill(&b.Server.Http, &Server_HTTP{})
	fill(&b.Server.Grpc, &Server_GRPC{})
	fill(&b.Server.Admin, &Server_Admin{})
	fill(&b.Log, &Log{})

	http := b.Server.Http
	fill(&http.Addr, "0.0.0.0:8000")
	fill(&http.HeaderBytes, 64<<10)
	fill(&http.ReadHeaderTimeout, durationpb.New(5*time.Second))
	fill(&http.ReadTimeout, durationpb.New(30*time.Second))
	fill(&http.IdleTimeout, durationpb.New(120*time.Second))
	fill(&b.Server.Grpc.Addr, "0.0.0.0:9000")
	fill(&b.Server.Grpc.ReadTimeout, durationpb.New(30*time.Second))
	fill(&b.Server.Grpc.MaxStreams, 1000)
	fill(&b.Server.Grpc.ConnectionAge, durationpb.New(30*time.Minute))
	fill(&b.Server.Admin.Addr, "127.0.0.1:9900")
	fill(&b.Server.DrainTimeout, durationpb.New(10*time.Second))

	if etcd := b.Etcd; etcd != nil {
		fill(&etcd.Prefix, "/facet")
		fill(&etcd.DialTimeout, durationpb.New(2*time.Second))
	}

	fill(&b.Log.Level, "info")
	fill(&b.Log.Format, "text")
}

// fill sets a field that has no value.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
