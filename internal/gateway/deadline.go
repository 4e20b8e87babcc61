package gateway

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
)

// withDeadline bounds the call: by the method's timeout, or by the client's if that is shorter.
func (c *Call) withDeadline(ctx context.Context) (context.Context, context.CancelFunc, error) {
	timeout := c.method.Timeout
	client, given, err := c.clientTimeout()
	if err != nil {
		return nil, nil, err
	}
	if given {
		timeout = min(timeout, client)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return ctx, cancel, nil
}

// withClientDeadline bounds the call by the client's timeout, if it states one.
func (c *Call) withClientDeadline(ctx context.Context) (context.Context, context.CancelFunc, error) {
	client, given, err := c.clientTimeout()
	if err != nil {
		return nil, nil, err
	}
	if !given {
		return ctx, func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, client)
	return ctx, cancel, nil
}

// clientTimeout is how long the client waits. It states that as gRPC does, `grpc-timeout: 250m`, or as a duration,
// `timeout: 250ms`.
func (c *Call) clientTimeout() (timeout time.Duration, given bool, err error) {
	if text := c.Header.Get("grpc-timeout"); text != "" {
		if timeout, err = parseGRPCTimeout(text); err != nil {
			return 0, false, badTimeout("grpc-timeout", err)
		}
		return timeout, true, nil
	}
	text := c.Header.Get("timeout")
	if text == "" {
		return 0, false, nil
	}
	if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 {
		return 0, false, badTimeout("timeout", fmt.Errorf("%q is not a positive duration such as 250ms", text))
	}
	return timeout, true, nil
}

func badTimeout(header string, err error) error {
	return refuse(codes.InvalidArgument, "INVALID_TIMEOUT", fmt.Sprintf("header %s: %v", header, err))
}

// grpcTimeoutUnits are the units of grpc-timeout (gRPC over HTTP/2, "Requests").
var grpcTimeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second,
	'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// parseGRPCTimeout reads one to eight digits and a unit. 99999999H is more than a Duration holds and stands for the
// longest one.
func parseGRPCTimeout(text string) (time.Duration, error) {
	invalid := fmt.Errorf("%q is not 1 to 8 digits and a unit of H, M, S, m, u, n", text)
	if len(text) < 2 || len(text) > 9 {
		return 0, invalid
	}
	unit, ok := grpcTimeoutUnits[text[len(text)-1]]
	amount, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if !ok || err != nil {
		return 0, invalid
	}
	const longest = time.Duration(1<<63 - 1)
	if time.Duration(amount) > longest/unit {
		return longest, nil
	}
	return time.Duration(amount) * unit, nil
}
