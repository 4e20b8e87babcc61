package conf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"facet/internal/conf"
)

// write writes a bootstrap file and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), conf.FileName)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadFillsDefaults(t *testing.T) {
	path := write(t, "documents: [mall, ../api, /etc/facet]\n")
	want := &conf.Bootstrap{
		Server: &conf.Server{
			Http: &conf.Server_HTTP{
				Addr: "0.0.0.0:8000", HeaderBytes: 65536, ReadHeaderTimeout: durationpb.New(5 * time.Second),
				ReadTimeout: durationpb.New(30 * time.Second), IdleTimeout: durationpb.New(2 * time.Minute),
			},
			Grpc: &conf.Server_GRPC{
				Addr: "0.0.0.0:9000", ReadTimeout: durationpb.New(30 * time.Second), MaxStreams: 1000,
				ConnectionAge: durationpb.New(30 * time.Minute),
			},
			Admin:        &conf.Server_Admin{Addr: "127.0.0.1:9900"},
			DrainTimeout: durationpb.New(10 * time.Second),
		},
		Documents: []string{filepath.Join(filepath.Dir(path), "mall"), filepath.Join(filepath.Dir(path), "..", "api"), "/etc/facet"},
		Log:       &conf.Log{Level: "info", Format: "text"},
	}
	for _, path := range []string{path, filepath.Dir(path)} {
		if got, err := conf.Load(path); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s:\ngot  %v, %v\nwant %v", path, got, err, want)
		}
	}
}

func TestLoadKeepsWhatIsSet(t *testing.T) {
	got, err := conf.Load(write(t, `
server:
  http: {addr: "127.0.0.1:0", header_bytes: 1024, read_timeout: 1m30s}
  grpc: {addr: ":9001"}
  drain_timeout: 1s
documents: [.]
log: {level: debug, format: json}
`))
	if err != nil {
		t.Fatal(err)
	}
	server := got.GetServer()
	if server.GetHttp().GetAddr() != "127.0.0.1:0" || server.GetHttp().GetHeaderBytes() != 1024 ||
		server.GetHttp().GetReadTimeout().AsDuration() != 90*time.Second || server.GetGrpc().GetAddr() != ":9001" ||
		server.GetDrainTimeout().AsDuration() != time.Second || got.GetLog().GetLevel() != "debug" || got.GetLog().GetFormat() != "json" {
		t.Errorf("got %v", got)
	}
}

func TestLoadReportsEveryMistakeWithItsPlace(t *testing.T) {
	path := write(t, `server:
  http: {addr: "8000", header_bytes: -1, idle_timeout: 0s}
  drain_timeout: 0s
log: {level: warning, format: jsn}
documents: [""]
`)
	_, err := conf.Load(path)
	if err == nil {
		t.Fatal("the file is accepted")
	}
	want := []string{
		`2:17: server.http.addr: "8000" is not an address to listen on; want host:port`,
		`2:38: server.http.header_bytes: -1 is negative`,
		`2:56: server.http.idle_timeout: 0s is not a positive duration; want one such as 5s`,
		`3:18: server.drain_timeout: 0s is not a positive duration; want one such as 5s`,
		`4:14: log.level: "warning" is none of debug, info, warn, error; did you mean "warn"?`,
		`4:31: log.format: "jsn" is none of text, json; did you mean "json"?`,
		`5:14: documents.0: an empty name is not a directory; "." is that of this file`,
	}
	if got := strings.ReplaceAll(err.Error(), path+":", ""); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestLoadReadsWhereEtcdIs(t *testing.T) {
	path := write(t, `
etcd:
  endpoints: ["etcd-0:2379", "https://10.0.0.2:2379"]
  app: mall
  username: replica
  password_file: secrets/etcd
  tls: {ca_file: ca.pem, cert_file: /etc/facet/cert.pem, key_file: key.pem, server_name: etcd}
state_dir: state
`)
	in := func(name string) string { return filepath.Join(filepath.Dir(path), name) }
	want := &conf.Etcd{
		Endpoints: []string{"etcd-0:2379", "https://10.0.0.2:2379"}, App: "mall", Prefix: "/facet", DialTimeout: durationpb.New(2 * time.Second),
		Username: "replica", PasswordFile: in("secrets/etcd"),
		Tls: &conf.Etcd_TLS{CaFile: in("ca.pem"), CertFile: "/etc/facet/cert.pem", KeyFile: in("key.pem"), ServerName: "etcd"},
	}
	got, err := conf.Load(path)
	if err != nil || !proto.Equal(got.GetEtcd(), want) || got.GetStateDir() != in("state") {
		t.Errorf("got  %v, %v\nwant %v", got, err, want)
	}
}

func TestLoadReportsMistakesAboutEtcd(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"documents: [mall]\netcd: {endpoints: [e:2379], app: mall}", "1:1: documents: these directories and etcd exclude each other"},
		{"etcd: {app: mall}", "1:1: etcd.endpoints: none is named"},
		{"etcd: {endpoints: [e:2379]}", "1:1: etcd.app: it is missing"},
		{"etcd: {endpoints: [e], app: mall}", `1:20: etcd.endpoints.0: "e" is not where etcd listens`},
		{`etcd: {endpoints: ["ftp://e:2379"], app: mall}`, `"ftp://e:2379" is not where etcd listens`},
		{`etcd: {endpoints: [":2379"], app: mall}`, `":2379" is not where etcd listens`},
		{`etcd: {endpoints: ["http://e:2379"], app: mall, tls: {}}`, "want https://e:2379, or strike out tls"},
		{"etcd: {endpoints: [e:2379], app: mall, username: replica}", "1:1: etcd: username and password_file go together"},
		{"etcd: {endpoints: [e:2379], app: mall, tls: {key_file: key.pem}}", "1:40: etcd.tls: cert_file and key_file go together"},
		{"etcd: {endpoints: [e:2379], app: mall, dial_timeout: 0s}", "1:54: etcd.dial_timeout: 0s is not a positive duration"},
	} {
		path := write(t, test.text)
		if _, err := conf.Load(path); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), path+":", ""), test.want) {
			t.Errorf("%s\ngot  %v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "documents: no directory is named"},
		{"documents: [mall]\nsevrer: {}\n", `did you mean "server"?`},
		{"documents: {", "bootstrap.yaml:1"},
	} {
		if _, err := conf.Load(write(t, test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %s", test.text, err, test.want)
		}
	}
	absent := filepath.Join(t.TempDir(), "absent")
	if _, err := conf.Load(absent); err == nil || !strings.Contains(err.Error(), absent) {
		t.Errorf("an absent file: %v", err)
	}
}

func TestFind(t *testing.T) {
	top := t.TempDir()
	for _, directory := range []string{"cmd/facet", "configs"} {
		if err := os.MkdirAll(filepath.Join(top, directory), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(top, "cmd", "facet"))
	_, err := conf.Find("")
	if want := "tried configs/bootstrap.yaml and ../../configs/bootstrap.yaml"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := os.WriteFile(filepath.Join(top, "configs", conf.FileName), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ directory, flag, want string }{
		{"cmd/facet", "", "../../configs"},
		{".", "", "configs"},
		{".", "elsewhere.yaml", "elsewhere.yaml"},
	} {
		t.Chdir(filepath.Join(top, test.directory))
		if got, err := conf.Find(test.flag); err != nil || got != filepath.FromSlash(test.want) {
			t.Errorf("from %s with %q: got %q, %v; want %q", test.directory, test.flag, got, err, test.want)
		}
	}
}
