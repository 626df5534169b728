// Package bootstrap makes the first project of an installation: the "dogfood"
// project, with which the console itself logs in.
package bootstrap

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"

	"example.com/minitesseral/internal/store"
)

// Options are what the operator says about the installation.
type Options struct {
	KMSEndpoint     string // only recorded
	SessionKMSKeyID string // only recorded
	RootUserEmail   string
	ConsoleDomain   string
	VaultDomain     string
}

// Result is what the operator must keep.
type Result struct {
	ProjectID string
	Email     string
	Password  string
}

var domainPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// Validate reports the first fault in the options.
func (o Options) Validate() error {
	for _, f := range []struct{ flag, value string }{
		{"--session-kms-key-id", o.SessionKMSKeyID},
		{"--root-user-email", o.RootUserEmail},
		{"--console-domain", o.ConsoleDomain},
		{"--vault-domain", o.VaultDomain},
	} {
		if f.value == "" {
			return fmt.Errorf("%s is required", f.flag)
		}
	}
	if addr, err := mail.ParseAddress(o.RootUserEmail); err != nil || addr.Address != o.RootUserEmail || strings.ContainsAny(o.RootUserEmail, " \t\r\n") {
		return fmt.Errorf("--root-user-email must be a plain address such as root@example.com, not %q", o.RootUserEmail)
	}
	for _, f := range []struct{ flag, value string }{
		{"--console-domain", o.ConsoleDomain},
		{"--vault-domain", o.VaultDomain},
	} {
		if !domainPattern.MatchString(f.value) {
			return fmt.Errorf("%s must be a host name in lower case, without a scheme, port or path, not %q", f.flag, f.value)
		}
	}
	if !strings.HasSuffix(o.VaultDomain, "."+o.ConsoleDomain) {
		return fmt.Errorf("--vault-domain %q must be a subdomain of --console-domain %q, such as %q",
			o.VaultDomain, o.ConsoleDomain, "vault."+o.ConsoleDomain)
	}
	if o.KMSEndpoint != "" {
		if u, err := url.Parse(o.KMSEndpoint); err != nil || u.Host == "" {
			return fmt.Errorf("--kms-endpoint must be a URL such as http://kms.example.com:8080, not %q", o.KMSEndpoint)
		}
	}
	return nil
}

// Run creates the dogfood project in a database whose schema is at version
// wantVersion.
func Run(ctx context.Context, db *store.Store, o Options, wantVersion int64) (Result, error) {
	if err := o.Validate(); err != nil {
		return Result{}, err
	}
	version, err := db.SchemaVersion(ctx)
	if err != nil {
		return Result{}, err
	}
	if version != wantVersion {
		return Result{}, fmt.Errorf("the schema of the database is at version %d, but this program needs version %d: apply the migrations of the same release", version, wantVersion)
	}

	r := Result{
		ProjectID: "project_" + randomBase36(25),
		Email:     o.RootUserEmail,
		Password:  "this_is_a_very_sensitive_password_" + randomHex(16),
	}
	hash, err := hashPassword(r.Password)
	if err != nil {
		return Result{}, err
	}
	key, err := newSigningKey()
	if err != nil {
		return Result{}, err
	}
	err = db.CreateDogfood(ctx, store.Dogfood{
		ProjectID:     r.ProjectID,
		DisplayName:   "Dogfood project",
		ConsoleDomain: o.ConsoleDomain,
		VaultDomain:   o.VaultDomain,
		UserID:        "user_" + randomBase36(25),
		Email:         o.RootUserEmail,
		PasswordHash:  hash,
		Key:           key,
		KMSKeyID:      o.SessionKMSKeyID,
		KMSEndpoint:   o.KMSEndpoint,
	})
	if errors.Is(err, store.ErrDogfoodPresent) {
		return Result{}, err
	}
	if err != nil {
		return Result{}, fmt.Errorf("create the dogfood project: %w", err)
	}
	return r, nil
}

// newSigningKey makes a key for sessions and keeps only its public half: the
// sample issues no sessions, and has no KMS that could guard the other half.
func newSigningKey() (store.SigningKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return store.SigningKey{}, err
	}
	public, err := private.PublicKey.ECDH()
	if err != nil {
		return store.SigningKey{}, err
	}
	point := public.Bytes() // 4, then X and Y of 32 bytes each
	return store.SigningKey{
		ID: "session_signing_key_" + randomBase36(25),
		X:  point[1:33],
		Y:  point[33:65],
	}, nil
}

// hashIterations follows what OWASP advises for PBKDF2 with SHA-256.
const hashIterations = 600_000

// hashPassword returns "pbkdf2-sha256$iterations$salt$hash", in hex.
func hashPassword(password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails since Go 1.24
	sum, err := pbkdf2.Key(sha256.New, password, salt, hashIterations, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("hash the password: %w", err)
	}
	return fmt.Sprintf("pbkdf2-sha256$%d$%x$%x", hashIterations, salt, sum), nil
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func randomBase36(length int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	const limit = 256 / len(digits) * len(digits) // bytes above it would favour some digits
	out := make([]byte, 0, length)
	b := make([]byte, 1)
	for len(out) < length {
		rand.Read(b)
		if int(b[0]) < limit {
			out = append(out, digits[int(b[0])%len(digits)])
		}
	}
	return string(out)
}
