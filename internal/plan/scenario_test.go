package plan_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
	"facet/internal/plan"
	"facet/internal/problem"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios yield into their files")

// TestScenarios runs the files of testdata/scenarios. A file is a list of blocks, separated by blank lines: a
// command, its input, a line `----`, and what is expected. The commands are cases of scenario.do.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &scenario{t: t, shop: newShop(t)}
			var out []string
			for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
				out = append(out, s.run(block))
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(strings.Join(out, "\n\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type scenario struct {
	t    *testing.T
	shop *shop
	plan *plan.Plan
}

// run executes a block and compares. It returns the block with what the command yielded.
func (s *scenario) run(block string) string {
	s.t.Helper()
	lines := strings.Split(block, "\n")
	comments := 0
	for comments < len(lines) && strings.HasPrefix(lines[comments], "#") {
		comments++
	}
	if comments == len(lines) {
		return block
	}
	head, want, _ := strings.Cut(strings.Join(lines[comments:], "\n"), "\n----")
	command, input, _ := strings.Cut(head, "\n")
	got := strings.TrimRight(s.do(command, input), "\n")
	if want = strings.Trim(want, "\n"); got != want && !*rewrite {
		s.t.Errorf("%s\n%s\ngot:\n%s\n\nwant:\n%s", command, input, got, want)
	}
	out := head + "\n----"
	if got != "" {
		out += "\n" + got
	}
	return strings.Join(append(slices.Clone(lines[:comments]), out), "\n")
}

func (s *scenario) do(command, input string) string {
	s.t.Helper()
	name, args, _ := strings.Cut(command, " ")
	switch name {
	case "plan", "unsafe-plan": // compiles the YAML of a method, GetHome unless another is named
		return s.compile(cmp.Or(args, "GetHome"), input, name == "plan")
	case "backend": // says what a downstream method answers: `request -> reply`, both JSON, or a status
		s.shop.answer(args, input)
		return ""
	case "run": // runs the plan under a selection, with the request as JSON
		return s.runPlan(args, input)
	case "stream": // runs the plan of a method that replies with a stream
		return s.stream(args, input)
	case "explain": // explains the plan under a selection
		return s.explain(args)
	default:
		s.t.Fatalf("unknown command %q", name)
		return ""
	}
}

func (s *scenario) compile(method, yaml string, safe bool) string {
	spec := s.shop.spec(s.t, method, yaml)
	spec.Safe = safe
	var problems problem.List
	s.plan, problems = plan.Compile(spec)
	return problems.Error()
}

func (s *scenario) program(text string) *plan.Program {
	s.t.Helper()
	if s.plan == nil {
		s.t.Fatal("the plan has problems")
	}
	sel := selection(s.t, s.shop.message(s.t, "shop.v1.Home"), text)
	program, err := s.plan.Prune(sel)
	if err != nil {
		s.t.Fatal(err)
	}
	return program
}

func selection(t testing.TB, md protoreflect.MessageDescriptor, text string) *pbwire.Selection {
	t.Helper()
	sel, err := pbwire.ParseSelection(md, text, pbwire.SelectionLimits{Bytes: 1000, Depth: 20, Paths: 100})
	if err != nil {
		t.Fatal(err)
	}
	return sel
}

func (s *scenario) runPlan(selection, request string) string {
	s.t.Helper()
	program := s.program(selection)
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(s.t.Context(), "x-env", "blue"), time.Minute)
	defer cancel()
	reply, err := program.Run(ctx, s.shop.wire(s.t, "shop.v1.HomeRequest", request))
	calls := s.shop.recorded()
	if err != nil {
		return "error: " + statusText(err) // which of the other calls were made before is a matter of chance
	}
	defer reply.Release()
	return calls + s.replyText(reply)
}

func (s *scenario) stream(selection, request string) string {
	s.t.Helper()
	program := s.program(selection)
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(s.t.Context(), "x-env", "blue"), time.Minute)
	defer cancel()
	client := &messages{t: s.t, shop: s.shop}
	partial, err := program.Stream(ctx, s.shop.wire(s.t, "shop.v1.HomeRequest", request), client)
	out := s.shop.recorded() + client.sent.String()
	if err != nil {
		return out + "error: " + statusText(err)
	}
	return out + "end" + partialText(partial)
}

// messages is a client that keeps what it is sent, one message a line.
type messages struct {
	t        *testing.T
	shop     *shop
	rendered string
	sent     strings.Builder
}

func (m *messages) Render(wire []byte) (err error) {
	m.rendered, err = m.shop.toJSON(m.shop.message(m.t, "shop.v1.Home"), wire)
	return err
}

func (m *messages) Send() error {
	m.sent.WriteString("message: " + m.rendered + "\n")
	return nil
}

// replyText renders a reply as the gateway does, which has a reply that it cannot render checked again.
func (s *scenario) replyText(reply *plan.Reply) string {
	s.t.Helper()
	out := ""
	if _, err := s.shop.toJSON(s.shop.message(s.t, "shop.v1.Home"), reply.Wire); err != nil {
		changed, err := reply.Recheck()
		if err != nil {
			return "recheck: " + statusText(err)
		}
		out += fmt.Sprintf("recheck: changed=%v\n", changed)
	}
	out += "reply: " + s.shop.json(s.t, "shop.v1.Home", reply.Wire)
	return out + partialText(reply.Partial)
}

func partialText(partial []plan.Partial) (out string) {
	for _, p := range partial {
		out += fmt.Sprintf("\npartial: %s %s", p.Call, statusText(p.Err))
		if p.Fallback {
			out += " (fallback)"
		}
	}
	return out
}

func statusText(err error) string {
	st := status.Convert(err)
	text := fmt.Sprintf("%s: %s", st.Code(), st.Message())
	for _, detail := range st.Details() {
		text += fmt.Sprintf(" %v", detail)
	}
	return text
}

func (s *scenario) explain(selection string) string {
	s.t.Helper()
	var out strings.Builder
	if err := s.program(selection).Explain().WriteText(&out); err != nil {
		s.t.Fatal(err)
	}
	return out.String()
}
