package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"example.com/minitesseral/internal/migrator"
)

// TestMigrationsArePairs checks that the numbers have no gap and that each up
// has its down.
func TestMigrationsArePairs(t *testing.T) {
	ups, _ := fs.Glob(migrations(), "*.up.sql")
	downs, _ := fs.Glob(migrations(), "*.down.sql")
	if len(ups) == 0 || len(ups) != len(downs) {
		t.Fatalf("%d ups, %d downs", len(ups), len(downs))
	}
	for i, up := range ups {
		if want := fmt.Sprintf("%06d_", i+1); !strings.HasPrefix(up, want) {
			t.Errorf("%s should start with %s", up, want)
		}
		if want := strings.TrimSuffix(up, ".up.sql") + ".down.sql"; downs[i] != want {
			t.Errorf("%s has no %s", up, want)
		}
	}
}

func TestCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"help":             {[]string{"--help"}, 0, "Commands:"},
		"migrate help":     {[]string{"migrate", "--help"}, 0, "--database"},
		"bootstrap help":   {[]string{"bootstrap", "--help"}, 0, "--kms-endpoint"},
		"nothing":          {nil, 2, "Commands:"},
		"unknown command":  {[]string{"nope"}, 2, `no command "nope"`},
		"unknown flag":     {[]string{"migrate", "--nope"}, 2, "not defined"},
		"no database":      {[]string{"migrate", "up"}, 2, "--database is required"},
		"no action":        {[]string{"migrate", "--database", "postgres://h/d"}, 2, "the action must be"},
		"force no number":  {[]string{"migrate", "--database", "postgres://h/d", "force", "x"}, 2, "needs the number"},
		"no postgres":      {[]string{"migrate", "--database", "mysql://h/d", "up"}, 1, "must start with postgres://"},
		"vault not nested": {[]string{"bootstrap", "--database", "postgres://h/d", "--session-kms-key-id", "k", "--root-user-email", "a@b.example", "--console-domain", "c.example", "--vault-domain", "v.example"}, 2, "must be a subdomain"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			status := run(context.Background(), tc.args, &out, &out)
			if status != tc.status || !strings.Contains(out.String(), tc.want) {
				t.Errorf("status %d, want %d; output without %q:\n%s", status, tc.status, tc.want, &out)
			}
		})
	}
}

// TestUpDownUp needs an empty database, named in MINITESSERAL_TEST_DATABASE.
func TestUpDownUp(t *testing.T) {
	database := os.Getenv("MINITESSERAL_TEST_DATABASE")
	if database == "" {
		t.Skip("MINITESSERAL_TEST_DATABASE is not set")
	}
	for _, step := range []func(*migrator.Migrator) error{
		(*migrator.Migrator).Up, (*migrator.Migrator).Down, (*migrator.Migrator).Up, (*migrator.Migrator).Down,
	} {
		m, err := migrator.Open(migrations(), database, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := step(m); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}
