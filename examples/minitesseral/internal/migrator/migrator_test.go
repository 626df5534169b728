package migrator

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestDriverURL(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://u:p@h:5432/d?sslmode=disable": "pgx5://u:p@h:5432/d?sslmode=disable",
		"postgresql://h/d":                        "pgx5://h/d",
		"pgx5://h/d":                              "pgx5://h/d",
	} {
		if got, err := driverURL(in); err != nil || got != want {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "host=h dbname=d", "mysql://h/d", "postgres://u:pass%zz@h/d"} {
		if got, err := driverURL(in); err == nil {
			t.Errorf("%q was taken as %q", in, got)
		} else if strings.Contains(err.Error(), "pass%zz") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestLatest(t *testing.T) {
	got, err := Latest(fstest.MapFS{"000002_b.up.sql": {}, "000010_c.up.sql": {}, "000002_b.down.sql": {}})
	if err != nil || got != 10 {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := Latest(fstest.MapFS{}); err == nil {
		t.Error("no migrations is no error")
	}
}
