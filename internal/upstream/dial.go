package upstream

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	// While an address cannot be reached, calls fail at once; the connection is tried again after these.
	reconnectFirst = 100 * time.Millisecond
	reconnectMost  = 5 * time.Second
	connectTimeout = 5 * time.Second

	// A gRPC server closes, by default, a connection that is pinged more than once in five minutes.
	keepaliveTime = 6 * time.Minute
	// keepaliveTimeout is also TCP_USER_TIMEOUT: a connection whose peer acknowledges nothing for so long is
	// given up, which is what notices a machine that has gone.
	keepaliveTimeout = 10 * time.Second
)

// dial makes the client connection of a target. It does not connect yet.
//
// Retries are the plan's decision, so grpc-go's own are off; what it repeats transparently was never processed
// by a server. Neither DNS nor the environment configures a connection: service configs and proxies are off.
func dial(t target, maxReplyBytes int) (*grpc.ClientConn, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{}), grpc.MaxCallRecvMsgSize(maxReplyBytes)),
		grpc.WithResolvers(staticResolver{}),
		grpc.WithAuthority(t.endpoints[0]),
		grpc.WithUserAgent("facet"),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithNoProxy(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: reconnectFirst, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnectMost},
			MinConnectTimeout: connectTimeout,
		}),
	}
	if t.balanced() {
		options = append(options, grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`))
	}
	return grpc.NewClient(t.String(), options...)
}
