package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"facet/internal/conf"
)

const (
	// keepAlive is how long a connection may be silent before etcd is asked whether it is there. gRPC allows no less,
	// and etcd hangs up on who asks more often than every 5 s.
	keepAlive        = 10 * time.Second
	keepAliveTimeout = 3 * time.Second
	// reconnectMost is the longest pause between two attempts to connect: an etcd that is back is to be found soon.
	reconnectMost = time.Second
	// sendMost bounds a request of ours, in bytes. etcd's own bound is lower (1.5 MiB unless set), and is the one that
	// counts.
	sendMost = 64 << 20
)

// Connect returns a client of etcd. It reads the files that the settings name, and does not wait for etcd: whether
// that is there shows at the first request. The client works until ctx ends or it is closed.
func Connect(ctx context.Context, settings *conf.Etcd) (*clientv3.Client, error) {
	password, err := readPassword(settings)
	if err != nil {
		return nil, err
	}
	encryption, err := tlsConfig(settings.GetTls())
	if err != nil {
		return nil, err
	}
	var open connections
	pauses := backoff.DefaultConfig
	pauses.BaseDelay, pauses.MaxDelay = reconnectMost/10, reconnectMost
	options := []grpc.DialOption{
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: settings.GetDialTimeout().AsDuration()}),
		grpc.WithContextDialer(open.dial),
		grpc.WithChainUnaryInterceptor(signInLater(), open.hangUp),
	}
	if name := settings.GetTls().GetServerName(); name != "" {
		options = append(options, grpc.WithAuthority(name)) // or the client expects the host of the endpoint all the same
	}
	return clientv3.New(clientv3.Config{
		Context:              ctx,
		Endpoints:            settings.GetEndpoints(),
		Username:             settings.GetUsername(),
		Password:             password,
		TLS:                  encryption,
		DialTimeout:          settings.GetDialTimeout().AsDuration(),
		DialKeepAliveTime:    keepAlive,
		DialKeepAliveTimeout: keepAliveTimeout,
		MaxCallSendMsgSize:   sendMost,
		Logger:               zap.NewNop(), // whoever makes a request learns of its error, and logs it once
		DialOptions:          options,
	})
}

// signInLater keeps clientv3.New from waiting for etcd: it wants to sign in at once, and is told that there is no need
// to. The first request that etcd then refuses for want of a user makes the client sign in.
func signInLater() grpc.UnaryClientInterceptor {
	const signIn = "/etcdserverpb.Auth/Authenticate"
	var told atomic.Bool
	return func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if method == signIn && told.CompareAndSwap(false, true) {
			return rpctypes.ErrGRPCAuthNotEnabled
		}
		return invoke(ctx, method, request, reply, conn, options...)
	}
}

// readPassword returns the first line of the password file.
func readPassword(settings *conf.Etcd) (string, error) {
	if settings.GetUsername() == "" {
		return "", nil
	}
	text, err := os.ReadFile(settings.GetPasswordFile())
	if err != nil {
		return "", fmt.Errorf("the password of etcd's user %q: %w", settings.GetUsername(), err)
	}
	password, _, _ := strings.Cut(string(text), "\n")
	if password = strings.TrimSuffix(password, "\r"); password == "" {
		return "", fmt.Errorf("%s: the first line is to be the password of etcd's user %q, and is empty", settings.GetPasswordFile(), settings.GetUsername())
	}
	return password, nil
}

// tlsConfig returns nil if there are no settings.
func tlsConfig(settings *conf.Etcd_TLS) (*tls.Config, error) {
	if settings == nil {
		return nil, nil //nolint:nilnil // no TLS is a valid setting
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: settings.GetServerName()}
	if file := settings.GetCaFile(); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("the certificates of who may sign etcd's: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s: there is no certificate in it; want PEM", file)
		}
	}
	if settings.GetCertFile() == "" {
		return config, nil
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // for each connection: they are renewed
		pair, err := tls.LoadX509KeyPair(settings.GetCertFile(), settings.GetKeyFile())
		return &pair, err
	}
	if _, err := load(nil); err != nil {
		return nil, fmt.Errorf("the certificate of this process for etcd, %s with %s: %w", settings.GetCertFile(), settings.GetKeyFile(), err)
	}
	config.GetClientCertificate = load
	return config, nil
}
