package etcd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/embedded"
	"facet/internal/etcd/etcdtest"
)

// authority signs certificates.
type authority struct {
	dir         string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.certificate = &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.sign(t, "ca", a.certificate)
	return a
}

// sign makes a certificate and its key, name.pem and name-key.pem; the first is the authority's own.
func (a *authority) sign(t *testing.T, name string, certificate *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.key == nil {
		a.key = key
	}
	certificate.SerialNumber = big.NewInt(time.Now().UnixNano())
	certificate.NotBefore, certificate.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	raw, err := x509.CreateCertificate(rand.Reader, certificate, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, a.path(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
	writeFile(t, a.path(name+"-key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rawKey}))
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name+".pem") }

func (a *authority) signServer(t *testing.T, name string, names ...string) {
	t.Helper()
	a.sign(t, name, &x509.Certificate{
		Subject: pkix.Name{CommonName: "etcd"}, DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, // etcd also connects to itself
	})
}

func (a *authority) signClient(t *testing.T, name string) {
	t.Helper()
	a.sign(t, name, &x509.Certificate{Subject: pkix.Name{CommonName: "replica"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func writeFile(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBothEndsProveWhoTheyAre(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	ours.signServer(t, "server")
	ours.signClient(t, "client")
	theirs.signClient(t, "client")
	server := etcdtest.StartServer(t, embedded.Options{
		Dir: t.TempDir(), CertFile: ours.path("server"), KeyFile: ours.path("server-key"), ClientCAFile: ours.path("ca"),
	})
	good := &conf.Etcd_TLS{CaFile: ours.path("ca"), CertFile: ours.path("client"), KeyFile: ours.path("client-key")}

	for name, test := range map[string]struct {
		tls  *conf.Etcd_TLS
		want string // in the error
	}{
		"both":            {good, ""},
		"no certificate":  {&conf.Etcd_TLS{CaFile: good.CaFile}, "etcd at"},
		"foreign client":  {&conf.Etcd_TLS{CaFile: good.CaFile, CertFile: theirs.path("client"), KeyFile: theirs.path("client-key")}, "etcd at"},
		"foreign server":  {&conf.Etcd_TLS{CaFile: theirs.path("ca"), CertFile: good.CertFile, KeyFile: good.KeyFile}, "certificate signed by unknown authority"},
		"other server":    {&conf.Etcd_TLS{CaFile: good.CaFile, CertFile: good.CertFile, KeyFile: good.KeyFile, ServerName: "etcd-1"}, "etcd-1"},
		"unknown to root": {&conf.Etcd_TLS{CertFile: good.CertFile, KeyFile: good.KeyFile}, "certificate signed by unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{server.Addr()}, Tls: test.tls})
			_, err := etcd.List(t.Context(), client, prefix)
			if test.want == "" {
				test.want = "no documents"
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestACertificateIsRenewedInPlace(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	ours.signServer(t, "server")
	theirs.signClient(t, "client")
	server := etcdtest.StartServer(t, embedded.Options{
		Dir: t.TempDir(), CertFile: ours.path("server"), KeyFile: ours.path("server-key"), ClientCAFile: ours.path("ca"),
	})
	tls := &conf.Etcd_TLS{CaFile: ours.path("ca"), CertFile: theirs.path("client"), KeyFile: theirs.path("client-key")}
	reports := watch(t, etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{server.Addr()}, Tls: tls}), etcd.Set{})
	fails(t, reports, "etcd at")
	theirs.certificate, theirs.key = ours.certificate, ours.key
	theirs.signClient(t, "client")
	fails(t, reports, "no documents")
}

// enableUsers makes root the only user.
func enableUsers(t *testing.T, client *clientv3.Client) {
	t.Helper()
	for _, command := range []string{"user add root", "user grant-role root root", "auth enable"} {
		if err := run(t.Context(), client, strings.Fields(command)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConnectDoesNotWaitForEtcd(t *testing.T) {
	t.Parallel()
	proxy, _, direct := behindProxy(t)
	proxy.Cut()
	enableUsers(t, direct)
	file := filepath.Join(t.TempDir(), "password")
	writeFile(t, file, []byte(password+"\nonly the first line counts\n"))
	client := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{proxy.Addr()}, Username: "root", PasswordFile: file})
	reports := watch(t, client, etcd.Set{})
	fails(t, reports, "etcd at")
	proxy.Heal()
	fails(t, reports, "no documents") // so it has signed in
	put(t, client, "mall.yaml=1")
	expect(t, reports, "mall.yaml=1")
}

func TestAWrongPasswordIsReported(t *testing.T) {
	t.Parallel()
	server := etcdtest.StartServer(t, embedded.Options{Dir: t.TempDir()})
	root := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{server.Endpoint()}})
	enableUsers(t, root)
	for name, client := range map[string]struct{ user, password, want string }{
		"wrong password": {"root", "guess", "authentication failed, invalid user ID or password"},
		"no such user":   {"nobody", password, "authentication failed, invalid user ID or password"},
	} {
		_, err := etcd.List(t.Context(), signIn(t, server, client.user, client.password), prefix)
		if err == nil || !strings.Contains(err.Error(), client.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := etcd.List(t.Context(), root, prefix); err == nil || !strings.Contains(err.Error(), "user name is empty") {
		t.Errorf("nobody: got %v", err)
	}
}

func TestConnectNamesTheFileThatIsWrong(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	a.signClient(t, "client")
	empty := filepath.Join(a.dir, "empty")
	writeFile(t, empty, []byte("\n"))
	for _, test := range []struct {
		settings *conf.Etcd
		want     string
	}{
		{&conf.Etcd{Username: "replica", PasswordFile: "/absent"}, `the password of etcd's user "replica": open /absent`},
		{&conf.Etcd{Username: "replica", PasswordFile: empty}, empty + ": the first line is to be the password"},
		{&conf.Etcd{Tls: &conf.Etcd_TLS{CaFile: "/absent"}}, "open /absent"},
		{&conf.Etcd{Tls: &conf.Etcd_TLS{CaFile: empty}}, empty + ": there is no certificate in it"},
		{&conf.Etcd{Tls: &conf.Etcd_TLS{CertFile: "/absent", KeyFile: a.path("client-key")}}, "open /absent"},
		{&conf.Etcd{Tls: &conf.Etcd_TLS{CertFile: a.path("client"), KeyFile: a.path("ca-key")}}, "private key does not match"},
	} {
		test.settings.Endpoints = []string{"127.0.0.1:2379"}
		if client, err := etcd.Connect(t.Context(), test.settings); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, %v, want %s", client, err, test.want)
		}
	}
}
