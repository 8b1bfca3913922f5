import { useService } from "../session/session.ts";

export function Footer() {
  const service = useService();
  const info = "info" in service ? service.info : undefined;
  return (
    <footer class="footer">
      <p>
        Pictures that you add stay in this browser; the service turns them into vectors and keeps nothing. Nothing here
        calls any other address.
      </p>
      <p>
        {info && <span>Version {info.versions.service}</span>}
        {info?.features.docs && <a href="./docs">API</a>}
      </p>
    </footer>
  );
}
