// Command certs writes the certificates that TLS tests need into a folder:
//
//	ca.pem                     the authority that signed all but stranger
//	member.pem/.key            for member.test, loopback and the test networks' addresses given with -addresses
//	named.pem/.key             for member.test only, no addresses
//	expired.pem/.key           as member, ran out yesterday
//	stranger.pem/.key          as member, signed by stranger-ca.pem
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const serverName = "member.test"

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func main() {
	dir := flag.String("dir", "", "folder to write to; must exist")
	addresses := flag.String("addresses", "127.0.0.1,::1", "comma list of IP addresses the member certificates hold for")
	flag.Parse()
	if err := write(*dir, *addresses); err != nil {
		fmt.Fprintln(os.Stderr, "certs:", err)
		os.Exit(1)
	}
}

func write(dir, addresses string) error {
	var ips []net.IP
	for _, text := range strings.Split(addresses, ",") {
		ip := net.ParseIP(text)
		if ip == nil {
			return fmt.Errorf("-addresses: %q is not an IP address", text)
		}
		ips = append(ips, ip)
	}
	ca, err := newAuthority(dir, "ca")
	if err != nil {
		return err
	}
	strangerCA, err := newAuthority(dir, "stranger-ca")
	if err != nil {
		return err
	}
	tomorrow, yesterday := time.Now().Add(24*time.Hour), time.Now().Add(-24*time.Hour)
	for _, leaf := range []struct {
		name   string
		signer *authority
		ips    []net.IP
		until  time.Time
	}{
		{"member", ca, ips, tomorrow},
		{"named", ca, nil, tomorrow},
		{"expired", ca, ips, yesterday},
		{"stranger", strangerCA, ips, tomorrow},
	} {
		template := &x509.Certificate{
			Subject:     pkix.Name{CommonName: leaf.name},
			DNSNames:    []string{serverName},
			IPAddresses: leaf.ips,
			NotAfter:    leaf.until,
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if _, err := sign(dir, leaf.name, template, leaf.signer); err != nil {
			return err
		}
	}
	return nil
}

func newAuthority(dir, name string) (*authority, error) {
	return sign(dir, name, &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotAfter:              time.Now().Add(48 * time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil)
}

// sign writes name.pem and name.key; without a signer the certificate signs itself.
func sign(dir, name string, template *x509.Certificate, signer *authority) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, err
	}
	template.NotBefore = time.Now().Add(-72 * time.Hour)
	self := &authority{cert: template, key: key}
	if signer == nil {
		signer = self
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.cert, key.Public(), signer.key)
	if err != nil {
		return nil, err
	}
	if self.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := writePEM(filepath.Join(dir, name+".pem"), "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return self, writePEM(filepath.Join(dir, name+".key"), "PRIVATE KEY", keyDER)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
