import { CompareView } from "./compare/compare-view.tsx";
import { LazyMap } from "./map/lazy-map.tsx";
import { SearchView } from "./search/search-view.tsx";
import { usePage } from "./session/session.ts";
import { ConnectionNotice } from "./shell/connection-notice.tsx";
import { DropTarget } from "./shell/drop-target.tsx";
import { Footer } from "./shell/footer.tsx";
import { Header } from "./shell/header.tsx";

export function App() {
  const [{ view }] = usePage();
  return (
    <>
      <Header />
      <ConnectionNotice />
      <main id="main">
        {view === "search" && <SearchView />}
        {view === "compare" && <CompareView />}
        {view === "map" && <LazyMap />}
      </main>
      <Footer />
      <DropTarget />
    </>
  );
}
