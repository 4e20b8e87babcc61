// Package binary_test runs the binary as its container image does: built by the command of the Dockerfile, alone in an empty
// root with its configuration, as a user without rights.
package binary_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"facet/api"
	"facet/configs"
	"facet/examples/mall/backend"
)

// maxShipped is the most that the binary and its configuration may weigh, compressed.
const maxShipped = 15_000_000

// nonroot is the user of the image, gcr.io/distroless/static:nonroot.
const nonroot = 65532

// patience bounds what a test waits for. It is no measure of speed.
const patience = 30 * time.Second

func TestImage(t *testing.T) {
	if os.Getuid() != 0 {
		const missing = "entering an empty root takes the rights of root (chroot)"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	dockerfile := readDockerfile(t)
	root := t.TempDir()
	dockerfile.build(t, filepath.Join(root, "facet"))
	mall, err := backend.Start(backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mall.Stop)
	address := writeConfiguration(t, filepath.Join(root, "etc", "facet"), mall.Addresses())

	t.Run("is small", func(t *testing.T) {
		size := compressedSize(t, root)
		t.Logf("binary and configuration, gzip -9: %.2f MB", float64(size)/1e6)
		if size > maxShipped {
			t.Errorf("binary and configuration have %d bytes compressed; at most %d may be shipped", size, maxShipped)
		}
	})
	t.Run("checks its documents", func(t *testing.T) {
		out, err := inRoot(t, root, dockerfile.entrypoint[0], "check", "-conf", "/etc/facet").CombinedOutput()
		if err != nil || !bytes.HasPrefix(out, []byte("ok: ")) {
			t.Errorf("facet check: %v: %s", err, out)
		}
	})
	t.Run("serves and stops", func(t *testing.T) {
		command := append(dockerfile.entrypoint, dockerfile.cmd...)
		serveAndStop(t, inRoot(t, root, command...), address)
	})
}

// serveAndStop starts the gateway, asks it one question and stops it as a container runtime does.
func serveAndStop(t *testing.T, gateway *exec.Cmd, address string) {
	t.Helper()
	log, err := gateway.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	waitFor(t, lines, "listening on: "+address)

	body := get(t, "http://"+address+"/v1/users/42/home?select=user(id)")
	t.Logf("start to first answer: %v", time.Since(started).Round(time.Millisecond))
	if want := `{"user":{"id":"42"}}`; body != want {
		t.Errorf("got %s; want %s", body, want)
	}

	if err := gateway.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for lines.Scan() { // to the end, before Wait closes the pipe
		rest.WriteString(lines.Text() + "\n")
	}
	if err := gateway.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v; it said:\n%s", err, rest.String())
	}
}

// waitFor reads lines until one contains text.
func waitFor(t *testing.T, lines *bufio.Scanner, text string) {
	t.Helper()
	var said strings.Builder
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
		said.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("the gateway ended without saying %q; it said:\n%s", text, said.String())
}

// get returns the body of a 200.
func get(t *testing.T, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %s", url, response.Status, err, body)
	}
	return string(body)
}

// inRoot is a command that sees nothing but the files below root. It is killed if it outlives the test's patience.
func inRoot(t *testing.T, root string, command ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     root,
		Credential: &syscall.Credential{Uid: nonroot, Gid: nonroot},
	}
	return cmd
}

// dockerfile is what the Dockerfile says.
type dockerfile struct {
	directory       string
	buildCommand    string
	entrypoint, cmd []string
}

func readDockerfile(t *testing.T) dockerfile {
	t.Helper()
	directory, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(directory, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	d := dockerfile{directory: directory}
	for line := range strings.Lines(string(text)) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case instruction == "RUN" && strings.Contains(rest, "go build"):
			d.buildCommand = rest
		case instruction == "ENTRYPOINT":
			err = json.Unmarshal([]byte(rest), &d.entrypoint)
		case instruction == "CMD":
			err = json.Unmarshal([]byte(rest), &d.cmd)
		}
		if err != nil {
			t.Fatalf("Dockerfile: %s: %v", line, err)
		}
	}
	if d.buildCommand == "" || len(d.entrypoint) == 0 || len(d.cmd) == 0 {
		t.Fatalf("Dockerfile: no go build, ENTRYPOINT or CMD: %+v", d)
	}
	return d
}

// build runs the build command of the Dockerfile with another output.
func (d dockerfile) build(t *testing.T, output string) {
	t.Helper()
	const inImage = "-o /facet "
	if strings.Count(d.buildCommand, inImage) != 1 {
		t.Fatalf("Dockerfile: %q does not build %s", d.buildCommand, inImage)
	}
	command := strings.Replace(d.buildCommand, inImage, `-o "$OUTPUT" `, 1)
	build := exec.CommandContext(t.Context(), "sh", "-c", command)
	build.Dir = d.directory
	build.Env = append(os.Environ(), "OUTPUT="+output, "VERSION=test")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// writeConfiguration writes the sample's documents, with the addresses that its services really have, and returns where
// the gateway will serve HTTP.
func writeConfiguration(t *testing.T, directory string, at backend.Addresses) (address string) {
	t.Helper()
	documents, err := fs.Sub(configs.Mall, "mall")
	if err != nil {
		t.Fatal(err)
	}
	for name, fsys := range map[string]fs.FS{"mall": documents, "api": api.Mall} {
		if err := os.CopyFS(filepath.Join(directory, name), fsys); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(directory, "mall", "upstreams.yaml"), fmt.Sprintf(`upstreams:
  user:    {target: "static:///%s", services: [user.v1.UserService]}
  order:   {target: "static:///%s", services: [order.v1.OrderService]}
  product: {target: "static:///%s", services: [product.v1.ProductService]}
  notice:  {target: "static:///%s", services: [notice.v1.NoticeService]}
  live:    {target: "static:///%s", services: [live.v1.LiveService]}
`, at.User, at.Order, at.Product, at.Notice, at.Live))
	ports := freeAddresses(t, 3)
	write(t, filepath.Join(directory, "bootstrap.yaml"), fmt.Sprintf(`server:
  http: {addr: %q}
  grpc: {addr: %q}
  admin: {addr: %q}
documents: [mall, api]
`, ports[0], ports[1], ports[2]))
	return ports[0]
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// freeAddresses returns loopback addresses that nothing listens on. The kernel hands out other ports before it
// hands out these again.
func freeAddresses(t *testing.T, n int) []string {
	t.Helper()
	var addresses []string
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		addresses = append(addresses, listener.Addr().String())
	}
	return addresses
}

// compressedSize is the size of all files below root as one gzip stream.
func compressedSize(t *testing.T, root string) int64 {
	t.Helper()
	var size counter
	compressed, err := gzip.NewWriterLevel(&size, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = compressed.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return int64(size)
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
