package bootstrap

import (
	"regexp"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	good := Options{
		SessionKMSKeyID: "key-1",
		RootUserEmail:   "root@example.com",
		ConsoleDomain:   "console.example.com",
		VaultDomain:     "vault.console.example.com",
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no key":             {func(o *Options) { o.SessionKMSKeyID = "" }, "--session-kms-key-id is required"},
		"bad email":          {func(o *Options) { o.RootUserEmail = "Root <root@example.com>" }, "plain address"},
		"vault elsewhere":    {func(o *Options) { o.VaultDomain = "vault.example.com" }, "must be a subdomain"},
		"vault is console":   {func(o *Options) { o.VaultDomain = o.ConsoleDomain }, "must be a subdomain"},
		"vault looks nested": {func(o *Options) { o.VaultDomain = "evilconsole.example.com" }, "must be a subdomain"},
		"console with port":  {func(o *Options) { o.ConsoleDomain = "console.example.com:80" }, "without a scheme"},
		"kms endpoint":       {func(o *Options) { o.KMSEndpoint = "kms" }, "must be a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			tc.change(&o)
			if err := o.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestRandomBase36(t *testing.T) {
	a, b := randomBase36(25), randomBase36(25)
	if !regexp.MustCompile(`^[0-9a-z]{25}$`).MatchString(a) || a == b {
		t.Errorf("unexpected ids %q and %q", a, b)
	}
}

func TestSigningKeyHasFullCoordinates(t *testing.T) {
	k, err := newSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	if len(k.X) != 32 || len(k.Y) != 32 {
		t.Errorf("coordinates of %d and %d bytes", len(k.X), len(k.Y))
	}
}
