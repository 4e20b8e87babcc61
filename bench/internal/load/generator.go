package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// command is what the runner asks of the generator: to connect, or else to run a round.
type command struct {
	Connect  *Target       `json:"connect,omitempty"`
	Duration time.Duration `json:"duration,omitempty"`
	Rate     int           `json:"rate,omitempty"` // per second; 0 for a closed loop
}

// answer is what the generator answers to a command.
type answer struct {
	Reply  []byte `json:"reply,omitempty"`
	Result Result `json:"result"`
	Error  string `json:"error,omitempty"`
}

// connected is the connections to a target, of whatever kind.
type connected interface {
	run(rate int, duration time.Duration) (Result, error)
	close() error
}

// Serve is the process of the generator: it does as it is told, until the commands end.
func Serve(commands io.Reader, answers io.Writer) error {
	decoder, encoder := json.NewDecoder(commands), json.NewEncoder(answers)
	var current connected = nobody{}
	for {
		var c command
		if err := decoder.Decode(&c); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, current.close())
		}
		var a answer
		var err error
		if c.Connect != nil {
			_ = current.close() // what went wrong with it has been told
			current, a.Reply, err = connectTo(*c.Connect)
		} else {
			a.Result, err = current.run(c.Rate, c.Duration)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := encoder.Encode(a); err != nil {
			return err
		}
	}
}

// connectTo opens the connections of a target, or else none, and returns the first reply.
func connectTo(target Target) (connected, []byte, error) {
	if target.Protocol == Lines {
		s, first, err := subscribe(target)
		if err != nil {
			return nobody{}, nil, err
		}
		return s, first, nil
	}
	s, first, err := connect(target)
	if err != nil {
		return nobody{}, nil, err
	}
	return s, first, nil
}

// nobody is no connection at all.
type nobody struct{}

func (nobody) run(int, time.Duration) (Result, error) { return Result{}, errors.New("not connected") }

func (nobody) close() error { return nil }

// Generator is the process that makes the load, seen from the runner.
type Generator struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	commands *json.Encoder
	answers  *json.Decoder
}

// Start runs a program that calls Serve with its standard input and output.
func Start(program string, arguments ...string) (*Generator, error) {
	cmd := exec.Command(program, arguments...) //nolint:noctx // it ends when its input is closed
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the load generator does not start: %w", err)
	}
	return &Generator{cmd, stdin, json.NewEncoder(stdin), json.NewDecoder(stdout)}, nil
}

// Connect opens connections to a target in place of those that are open, uses each once, and returns the reply to the first
// request.
func (g *Generator) Connect(target Target) ([]byte, error) {
	a, err := g.do(command{Connect: &target})
	return a.Reply, err
}

// Run makes load over the open connections: at a rate per second, or with the rate 0 as much as is answered. Of streams it
// receives what comes.
func (g *Generator) Run(rate int, duration time.Duration) (Result, error) {
	a, err := g.do(command{Rate: rate, Duration: duration})
	return a.Result, err
}

func (g *Generator) do(c command) (answer, error) {
	if err := g.commands.Encode(c); err != nil {
		return answer{}, fmt.Errorf("the load generator is gone: %w", err)
	}
	var a answer
	if err := g.answers.Decode(&a); err != nil {
		return answer{}, fmt.Errorf("the load generator is gone: %w", err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

// Stop ends the process.
func (g *Generator) Stop() error {
	return errors.Join(g.stdin.Close(), g.cmd.Wait())
}
