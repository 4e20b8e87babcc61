package plan_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/plan"
)

// FuzzExpression compiles whatever expression fills a field, and runs what compiles: the reply must be a message.
func FuzzExpression(f *testing.F) {
	s := newShop(f)
	for _, e := range oracleExpressions {
		f.Add(e.field, e.expression)
	}
	caller := callerFunc(func(_ context.Context, method string, _ []byte) (mem.Buffer, error) {
		md, err := s.schema.Method(strings.TrimPrefix(method, "/"))
		if err != nil {
			return nil, err
		}
		rng := rand.New(rand.NewPCG(7, uint64(len(method))))
		return mem.SliceBuffer(randomWire(rng, md.Output())), nil
	})
	request := randomWire(rand.New(rand.NewPCG(7, 8)), s.message(f, "shop.v1.HomeRequest"))
	f.Fuzz(func(t *testing.T, field, expression string) {
		spec := s.spec(t, "GetHome", oracleYAML("title", "user orders products"))
		spec.Safe = true
		spec.Caller = serves(caller)
		spec.Config.Reply = structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
			field: structpb.NewStringValue(expression),
		}})
		dropUnused(spec.Config, expression)
		p, problems := plan.Compile(spec)
		if (p == nil) != (len(problems) > 0) {
			t.Fatalf("plan %v with problems %v", p, problems)
		}
		if p == nil {
			return
		}
		program, err := p.Prune(nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := program.Run(t.Context(), request)
		if err != nil {
			return
		}
		defer reply.Release()
		if err := proto.Unmarshal(reply.Wire, dynamicpb.NewMessage(s.message(t, "shop.v1.Home"))); err != nil {
			t.Errorf("the reply is malformed: %v", err)
		}
	})
}

// dropUnused drops the calls that an expression does not name, which would be problems.
func dropUnused(config *gatewayv1.Method, expression string) {
	for name := range config.Calls {
		if !strings.Contains(expression, name) {
			delete(config.Calls, name)
		}
	}
}
